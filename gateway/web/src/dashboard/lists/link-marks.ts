// What tells that a link records no clicks.

import type { Link } from "../api/queries.ts";
import { el } from "../parts/dom.ts";

export function statusMarks({ status, partnerSuspendedAt }: Pick<Link, "status" | "partnerSuspendedAt">): HTMLElement[] {
  const words = [status === "INACTIVE" && "paused", partnerSuspendedAt && "partner suspended"];
  return words.filter((each) => typeof each === "string").map((each) => el("span", { class: "badge" }, each));
}
