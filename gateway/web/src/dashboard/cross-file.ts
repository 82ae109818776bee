// The button that downloads every pair of the cross table, and what it says while pages are read.

import { Failed } from "./api.ts";
import type { Asked } from "./clicks.ts";
import { allPairs } from "./cross-csv.ts";
import { download } from "./csv.ts";
import { el, unseen } from "./dom.ts";
import { number } from "./format.ts";

export class CrossFile {
  readonly status = el("p", { class: "note", role: "status" });
  private asked: Asked | null = null;
  private reading: AbortController | null = null;
  private readonly label = el("span", {}, "CSV");
  readonly button = el(
    "button",
    { type: "button", class: "quiet save", onclick: () => void this.press() },
    this.label,
    unseen(" of cross table"),
  );

  constructor(private readonly onError: (error: unknown) => void) {}

  /** Offer the file of a view. One that is being read for another view is given up. */
  offer(asked: Asked): void {
    if (this.asked && this.asked.view !== asked.view) this.reading?.abort();
    this.asked = asked;
  }

  private async press(): Promise<void> {
    if (this.reading || !this.asked) return this.reading?.abort();
    const { view, span, signal } = this.asked;
    const reading = new AbortController();
    this.reading = reading;
    signal.addEventListener("abort", () => reading.abort(), { once: true });
    this.label.textContent = "Stop the CSV";
    try {
      const lines = await allPairs(view, span, this.progress, reading.signal);
      const kind = `${view.rows}-by-${view.columns}`.toLowerCase().replaceAll("_", "-");
      download(`${kind}-${span.days.join("-to-")}.csv`, lines);
      this.status.textContent = `The file has ${number(lines.length - 1)} lines.`;
    } catch (error) {
      const isFailed = error instanceof Failed;
      this.status.textContent = isFailed ? `The file could not be made: ${error.message}.` : "No file was made.";
      if (!isFailed && !reading.signal.aborted) this.onError(error);
    }
    this.reading = null;
    this.label.textContent = "CSV";
  }

  private readonly progress = (read: number, all: number) => {
    this.status.textContent = `Reading ${number(read)} of ${number(all)} lines…`;
  };
}
