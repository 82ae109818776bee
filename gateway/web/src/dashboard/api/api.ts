// The client of the gateway's GraphQL API, and of its files. The browser adds the session's cookie.

import { PATH, exportUrl } from "../../endpoint.ts";
import { Away, Failed, Refused, checked, reached, retrySeconds } from "../../gateway.ts";

export { Away, Failed, Refused } from "../../gateway.ts";

/** 429 means that other files are being downloaded. */
const AWAY_FROM_FILES = [502, 503, 504];

export type Variables = Record<string, unknown>;
interface Answer<Data> {
  data?: Data | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** Return a value that is null only if a resolver failed. Throws `Failed` for null. */
export function present<Value>(value: Value | null | undefined): Value {
  if (value == null) throw new Failed("The gateway sent no data");
  return value;
}

/** Send an operation and return what there is of its data: parts whose input makes no sense are null. */
export async function askForAny<Data>(query: string, variables: Variables, signal?: AbortSignal): Promise<Partial<Data>> {
  return (await send<Data>(query, variables, signal, ["BAD_USER_INPUT"])) ?? {};
}

/** Send an operation and return its data. Throws `Refused`, `Away`, `Failed`, or `AbortError` if the signal aborts. */
export async function ask<Data>(query: string, variables: Variables = {}, signal?: AbortSignal): Promise<Data> {
  return present(await send<Data>(query, variables, signal));
}

async function send<Data>(
  query: string,
  variables: Variables,
  signal?: AbortSignal,
  tolerated: readonly string[] = [],
): Promise<Data | null | undefined> {
  const response = checked(await post(JSON.stringify({ query, variables }), signal));
  const { data, errors } = await read<Data>(response, signal);
  for (const { message, extensions } of errors ?? []) {
    if (extensions?.code === "UNAUTHENTICATED") throw new Refused();
    if (extensions?.code === "UNAVAILABLE") throw new Away(retrySeconds(response));
    if (!tolerated.includes(extensions?.code ?? "")) throw new Failed(message);
  }
  return data;
}

/** Download a file with every row of a list, in the browser's own storage. Throws as `ask` does. */
export async function fetchFile(
  file: string,
  filter: Variables,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const given = Object.entries(filter).filter(([, value]) => value != null);
  const text = (value: unknown) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  const parameters = new URLSearchParams(given.map(([name, value]) => [name, text(value)]));
  const response = checked(await reached(`${exportUrl(file)}?${parameters}`, { signal }), AWAY_FROM_FILES);
  if (!response.ok || !response.body) throw new Failed(((await response.json()) as { error: string }).error);
  let bytes = 0;
  const counting = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(part, controller) {
      progress((bytes += part.byteLength));
      controller.enqueue(part);
    },
  });
  try {
    return await new Response(response.body.pipeThrough(counting)).blob();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Failed("the gateway broke it off");
  }
}

async function post(body: string, signal?: AbortSignal): Promise<Response> {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  return reached(PATH, { method: "POST", headers, body, signal: signal ?? null });
}

async function read<Data>(response: Response, signal?: AbortSignal): Promise<Answer<Data>> {
  try {
    return (await response.json()) as Answer<Data>;
  } catch (error) {
    if (signal?.aborted) throw error;
    // A proxy's error page, or a truncated response.
    throw new Away();
  }
}
