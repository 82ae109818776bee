// The button that downloads every row of a list as a CSV file, and what it says meanwhile.

import { Failed, fetchFile } from "../api/api.ts";
import { MARK, save } from "../parts/csv.ts";
import { el, unseen } from "../parts/dom.ts";
import { number } from "../parts/format.ts";

const MEGABYTE = 1_000_000;

/** What is downloaded: the name of the list and of the file, and the filter of the rows. */
export interface Listed {
  list: string;
  name: string;
  filter: Record<string, unknown>;
  signal: AbortSignal;
}

export class ListFile {
  readonly status = el("p", { class: "note", role: "status" });
  private reading: AbortController | null = null;
  private readonly label = el("span", {}, "CSV");
  readonly button: HTMLElement;

  /** `of` is what the file is of; `listed` returns what is shown, or null while nothing is. */
  constructor(
    of: string,
    private readonly listed: () => Listed | null,
    private readonly onError: (error: unknown) => void,
  ) {
    const press = () => void this.press();
    this.button = el("button", { type: "button", class: "quiet save", onclick: press }, this.label, unseen(` of ${of}`));
  }

  private async press(): Promise<void> {
    const listed = this.listed();
    if (this.reading || !listed) return this.reading?.abort();
    const reading = new AbortController();
    this.reading = reading;
    listed.signal.addEventListener("abort", () => reading.abort(), { once: true });
    this.label.textContent = "Stop the CSV";
    try {
      const file = await fetchFile(`${listed.list}.csv`, listed.filter, this.progress, reading.signal);
      save(listed.name, new Blob([MARK, file], { type: "text/csv" }));
      this.say("");
    } catch (error) {
      const isFailed = error instanceof Failed;
      this.say(isFailed ? `The file could not be made: ${error.message}.` : "No file was made.");
      if (!isFailed && !reading.signal.aborted) this.onError(error);
    }
    this.reading = null;
    this.label.textContent = "CSV";
  }

  private readonly progress = (bytes: number) => {
    if (bytes >= MEGABYTE) this.say(`Reading the file: ${number(Math.floor(bytes / MEGABYTE))} MB…`);
  };

  private say(text: string): void {
    this.status.textContent = text;
  }
}
