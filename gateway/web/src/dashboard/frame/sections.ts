// The sections of the dashboard: their names in addresses, who sees them, and what belongs to each. The code of a
// section is loaded when it is opened.

import type { Control } from "../controls/controls.ts";
import { loadedCode } from "../parts/code.ts";
import type { Desk, Section } from "../view/section.ts";
import type { SectionKey } from "../view/view.ts";

type Open = () => Promise<{ default: new (desk: Desk) => Section }>;

export interface SectionKind {
  key: SectionKey;
  title: string;
  controls: readonly Control[];
  /** Partners do not see it. */
  isOwners?: boolean;
  /** Another section leads to it, rather than the navigation. */
  isUnlisted?: boolean;
  open: Open;
}

const USUAL: readonly Control[] = ["period", "who", "program", "zone"];

export const SECTIONS: readonly SectionKind[] = [
  {
    key: "overview",
    title: "Overview",
    controls: ["period", "interval", "who", "program", "zone"],
    open: () => import("../sections/overview.ts"),
  },
  { key: "reports", title: "Reports", controls: USUAL, open: () => import("../sections/reports.ts") },
  {
    key: "partners",
    title: "Partners",
    controls: ["program"],
    isOwners: true,
    open: () => import("../sections/partners.ts"),
  },
  { key: "links", title: "Links", controls: ["program"], open: () => import("../sections/links.ts") },
  { key: "clicks", title: "Clicks", controls: USUAL, open: () => import("../sections/clicks.ts") },
  {
    key: "customers",
    title: "Customers",
    controls: ["period", "program", "zone"],
    isOwners: true,
    open: () => import("../sections/customers.ts"),
  },
  {
    key: "conversions",
    title: "Conversions",
    controls: ["period", "program", "zone"],
    open: () => import("../sections/conversions.ts"),
  },
  { key: "rules", title: "Rules", controls: ["program"], open: () => import("../sections/rules.ts") },
  { key: "payouts", title: "Payouts", controls: ["program", "zone"], open: () => import("../sections/payouts.ts") },
  {
    key: "import",
    title: "Import links",
    controls: [],
    isOwners: true,
    isUnlisted: true,
    open: () => import("../sections/import.ts"),
  },
  {
    key: "setup",
    title: "Setup",
    controls: ["program", "zone"],
    isOwners: true,
    open: () => import("../sections/setup.ts"),
  },
];

/** Return the sections that a viewer may see. */
export function sectionsFor(isPartner: boolean): SectionKind[] {
  return SECTIONS.filter(({ isOwners }) => !(isPartner && isOwners));
}

/** Load the code of a section. Throws `Away` if the gateway cannot be reached. */
export async function opened({ open }: SectionKind, desk: Desk): Promise<Section> {
  return new (await loadedCode(open)).default(desk);
}
