// A section of the dashboard, as the board sees it, and what the board does for a section.

import type { Click, Named, Program } from "../api/queries.ts";
import type { Asked, Columns } from "./asked.ts";
import type { Chosen } from "./chosen.ts";
import type { SectionKey, View } from "./view.ts";

export interface Section {
  readonly element: HTMLElement;
  /** What is shown above the controls, as it does not depend on them. */
  readonly lead?: HTMLElement;
  /** Read and show a view. With `isNew` it is another one than before; otherwise what is shown is brought up to date. */
  load(asked: Asked, isNew: boolean): Promise<void>;
  /** Show another part of the same view. */
  turn?(asked: Asked, patch: Partial<View>): Promise<void>;
  /** Take in new clicks that belong to the view. */
  add?(clicks: Click[]): void;
}

/** What a section can ask of the board. */
export interface Desk {
  columns: Columns;
  isPartner: boolean;
  isAdministrator: boolean;
  /** Show another part of the view, which the section then loads. */
  choose: (patch: Partial<View>) => void;
  /** Show only clicks with these values. */
  confine: (...chosen: Chosen[]) => void;
  /** Add a filter on a value, or remove it. */
  press: (pressed: Chosen) => void;
  /** Return the address of another section with the same filters, and with one on a value if it is given. */
  addressOf: (section: SectionKey, chosen?: Chosen) => string;
  /** Open such an address. */
  go: (section: SectionKey, chosen?: Chosen) => void;
  fail: (error: unknown) => void;
  /** The programs that the viewer sees, by name. */
  programs: readonly Program[];
  /** Call a program what it is called now, wherever it is named, with its domain. */
  rename: (program: Named & { domain: string | null }) => void;
  /** Bring what is shown up to date after a change. */
  refresh: () => void;
  /** Say what became of a change, with a way to undo it if there is one. */
  tell: (words: string, undo?: () => void) => void;
}
