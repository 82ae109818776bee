// Sends files of links to the gateway: to be looked at, or to be imported.

import { importUrl } from "../../endpoint.ts";
import { Failed, checked, reached } from "../../gateway.ts";

/** What is wrong with a line of a file. `field` is the column to blame; null if it is not a single one. */
export interface LineProblem {
  line: number;
  field: string | null;
  problem: string;
}

export interface Imported {
  /** How many lines are links without a problem. */
  links: number;
  created: number;
  problems: LineProblem[];
}

interface Answer extends Partial<Imported> {
  error?: string;
}

/** Import a file, or only look at it. Throws `Refused`, `Away`, and `Failed` for what is no file of links. */
export async function importLinks(file: Blob, program: number | null, isPreview: boolean, signal: AbortSignal): Promise<Imported> {
  const search = new URLSearchParams({ preview: String(isPreview) });
  if (program !== null) search.set("program_id", String(program));
  const sent = { method: "POST", headers: { "Content-Type": "text/csv" }, body: file, signal };
  const response = checked(await reached(`${importUrl()}?${search}`, sent));
  const { error, links = 0, created = 0, problems }: Answer = await response.json();
  if (!problems) throw new Failed(error ?? "The gateway sent no data");
  return { links, created, problems };
}
