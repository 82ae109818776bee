// Batches incoming clicks, so that a flood of them causes few page updates and few requests.

import type { Click } from "../api/queries.ts";

const GATHER_MS = 200;
/** The delay from a click to reloading the totals, and the shortest time between two reloads. */
const SUMS_MS = 600;
const SUMS_PAUSE_MS = 4000;

export class Arrivals {
  private gathered: Click[] = [];
  private showing: number | undefined;
  private refreshing: number | undefined;
  private refreshedAt = -Infinity;

  constructor(
    private readonly show: (clicks: Click[]) => void,
    private readonly refresh: () => void,
  ) {
    document.addEventListener("visibilitychange", this.onVisible);
  }

  add(click: Click): void {
    this.gathered.push(click);
    this.showing ??= window.setTimeout(() => {
      this.showing = undefined;
      this.show(this.gathered.splice(0));
    }, GATHER_MS);
    this.missed();
  }

  /** Schedule a reload of the totals, which may have changed. */
  missed(): void {
    const wait = Math.max(SUMS_MS, this.refreshedAt + SUMS_PAUSE_MS - performance.now());
    this.refreshing ??= window.setTimeout(() => this.sum(), wait);
  }

  stop(): void {
    clearTimeout(this.showing);
    clearTimeout(this.refreshing);
    document.removeEventListener("visibilitychange", this.onVisible);
  }

  private sum(): void {
    // The tab is in the background: reload when it becomes visible.
    if (document.hidden) return;
    this.refreshing = undefined;
    this.refreshedAt = performance.now();
    this.refresh();
  }

  private readonly onVisible = () => {
    if (this.refreshing !== undefined && !document.hidden) {
      clearTimeout(this.refreshing);
      this.sum();
    }
  };
}
