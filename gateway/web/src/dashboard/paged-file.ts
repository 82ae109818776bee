// The button that downloads a file which is read page by page, and what it says meanwhile.

import { Failed } from "./api.ts";
import type { Asked } from "./clicks.ts";
import { download, type Cell } from "./csv.ts";
import { el, unseen } from "./dom.ts";
import { number } from "./format.ts";

/** Told how many lines there are so far, and how many there will be. */
export type Progress = (read: number, all: number) => void;

export interface PagedKind {
  /** What the file is of. */
  of: string;
  name: (asked: Asked) => string;
  /** Return the lines of the file, its header first. */
  read: (asked: Asked, progress: Progress, signal: AbortSignal) => Promise<Cell[][]>;
}

export class PagedFile {
  readonly status = el("p", { class: "note", role: "status" });
  readonly button: HTMLElement;
  private asked: Asked | null = null;
  private reading: AbortController | null = null;
  private readonly label = el("span", {}, "CSV");

  constructor(
    private readonly kind: PagedKind,
    private readonly onError: (error: unknown) => void,
  ) {
    const press = () => void this.press();
    this.button = el("button", { type: "button", class: "quiet save", onclick: press }, this.label, unseen(` of ${kind.of}`));
  }

  /** Offer the file of a view. One that is being read for another view is given up. */
  offer(asked: Asked): void {
    if (this.asked && this.asked.view !== asked.view) this.reading?.abort();
    this.asked = asked;
  }

  private async press(): Promise<void> {
    const { asked } = this;
    if (this.reading || !asked) return this.reading?.abort();
    const reading = new AbortController();
    this.reading = reading;
    asked.signal.addEventListener("abort", () => reading.abort(), { once: true });
    this.label.textContent = "Stop the CSV";
    try {
      const lines = await this.kind.read(asked, this.progress, reading.signal);
      download(this.kind.name(asked), lines);
      this.status.textContent = `The file has ${number(lines.length - 1)} lines.`;
    } catch (error) {
      const isFailed = error instanceof Failed;
      this.status.textContent = isFailed ? `The file could not be made: ${error.message}.` : "No file was made.";
      if (!isFailed && !reading.signal.aborted) this.onError(error);
    }
    this.reading = null;
    this.label.textContent = "CSV";
  }

  private readonly progress: Progress = (read, all) => {
    this.status.textContent = `Reading ${number(read)} of ${number(all)} lines…`;
  };
}
