// Pauses and resumes links. Either can be undone.

import type { Link } from "../api/queries.ts";
import type { Desk } from "../view/section.ts";
import { Invalid, change } from "./changes.ts";

const DONE: Record<Link["status"], string> = {
  ACTIVE: "is active again. Clicks through it are recorded.",
  INACTIVE: "is paused. Clicks through it are not recorded.",
};

export async function setStatus(desk: Desk, { id, code }: Pick<Link, "id" | "code">, status: Link["status"]): Promise<void> {
  const before = status === "ACTIVE" ? "INACTIVE" : "ACTIVE";
  try {
    await change("updateReferralLink", "referralLink { status }", { id, status });
    desk.refresh();
    desk.tell(`Link ${code} ${DONE[status]}`, () => void setStatus(desk, { id, code }, before));
  } catch (error) {
    if (error instanceof Invalid) desk.tell(error.message);
    else desk.fail(error);
  }
}
