// The button that downloads a file which is read page by page, and what it says meanwhile.

import { Failed } from "../api/api.ts";
import { CsvParts, save, type Cell } from "../parts/csv.ts";
import { el, unseen } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import type { Asked } from "../view/asked.ts";
import type { View } from "../view/view.ts";

/** Told how many lines there are so far, and how many there will be. `of` names them if they are a part of the file. */
export type Progress = (read: number, all: number, of?: string) => void;

export interface PagedKind {
  /** What the file is of. */
  of: string;
  /** Whether that is written on the button, as nothing around it says so. */
  isNamed?: boolean;
  name: (asked: Asked) => string;
  /** Whether the file of a view is that of another one, too; without it, only if both are the same. */
  isSame?: (one: View, other: View) => boolean;
  /** Yield the lines of the file, some at a time, its header first. */
  read: (asked: Asked, progress: Progress, signal: AbortSignal) => AsyncIterable<Cell[][]>;
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
    const of = kind.isNamed ? ` of ${kind.of}` : unseen(` of ${kind.of}`);
    this.button = el("button", { type: "button", class: "quiet save", onclick: press }, this.label, of);
  }

  /** Offer the file of a view. One that is being read for another view is given up. */
  offer(asked: Asked): void {
    const { isSame = Object.is } = this.kind;
    if (this.asked && !isSame(this.asked.view, asked.view)) this.reading?.abort();
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
      const parts = new CsvParts();
      for await (const lines of this.kind.read(asked, this.progress, reading.signal)) parts.add(lines);
      save(this.kind.name(asked), parts.file);
      this.status.textContent = `The file has ${number(parts.lines - 1)} lines.`;
    } catch (error) {
      const isFailed = error instanceof Failed;
      this.status.textContent = isFailed ? `The file could not be made: ${error.message}.` : "No file was made.";
      if (!isFailed && !reading.signal.aborted) this.onError(error);
    }
    this.reading = null;
    this.label.textContent = "CSV";
  }

  private readonly progress: Progress = (read, all, of = "lines") => {
    this.status.textContent = `Reading ${number(read)} of ${number(all)} ${of}…`;
  };
}
