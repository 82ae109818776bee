// The fields of a commission rule: which of them apply, and what they say.

import { decimalsOf, inMinorUnits } from "../parts/currencies.ts";
import { el } from "../parts/dom.ts";
import { inMajorUnits } from "../parts/money.ts";
import { ruleSentence } from "../parts/rule-words.ts";
import type { Desk } from "../view/section.ts";
import { Invalid } from "./changes.ts";
import { selectField, textField, type FormField } from "./form-fields.ts";
import { PartnerField } from "./partner-field.ts";

type Terms = Parameters<typeof ruleSentence>[0];

const USUAL_HOLD = "15";
const MOST_PERCENT = 100;
/** Hundredths of a percent in one. */
const POINTS = 100;
const digits = { attributes: { inputmode: "numeric", maxlength: 4, dir: "ltr" } };
const decimal = { attributes: { inputmode: "decimal", maxlength: 16, dir: "ltr" } };

export class RuleFields {
  private readonly program;
  private readonly partner;
  private readonly event = selectField("event", "Earned by", [["SALE", "A sale"], ["LEAD", "A lead"]]);
  private readonly kind = selectField("kind", "Commission", [["PERCENT", "A share"], ["FIXED", "A fixed amount"]]);
  private readonly share = textField("basisPoints", "Percent", { ...decimal, required: "Say what share of the sale it is." });
  private readonly amount = textField("amount", "Amount", { ...decimal, required: "Say how much it is." });
  private readonly currency;
  private readonly product = textField("productId", "Product", { hint: "As sales name it. Empty for all products." });
  private readonly duration = selectField("duration", "For how long", [
    ["", "As long as the customer pays"],
    ["0", "The first sale only"],
    ["months", "Some months"],
  ]);
  private readonly months = textField("durationMonths", "Months", { ...digits, value: "12", required: "Say how many months." });
  private readonly approval = selectField("approval", "Approved", [["AUTO", "After a hold"], ["MANUAL", "By hand"]]);
  private readonly hold = textField("holdDays", "Days of the hold", { ...digits, value: USUAL_HOLD, required: "Say how many days." });
  private readonly from = textField("effectiveFrom", "First day", { attributes: { type: "date" }, hint: "Empty to begin now." });

  constructor(private readonly desk: Desk) {
    this.program = selectField("programId", "Program", desk.programs.map(({ id, name }) => [id, name]));
    this.partner = new PartnerField("All partners", {}, desk.fail);
    const currency = { required: "Name the currency.", value: desk.programs[0]?.currency ?? "" };
    this.currency = textField("currency", "Currency", { ...currency, attributes: { maxlength: 3, dir: "ltr", autocapitalize: "characters" } });
    this.program.element.hidden = desk.programs.length < 2;
    this.program.control.addEventListener("change", () => void this.offer());
  }

  get all(): readonly FormField[] {
    const what = [this.program, this.partner, this.event, this.product, this.kind, this.share, this.amount, this.currency];
    return [...what, this.duration, this.months, this.approval, this.hold, this.from];
  }

  get content(): readonly HTMLElement[] {
    const pair = (...fields: FormField[]) => el("div", { class: "form-grid" }, ...fields.map(({ element }) => element));
    return [
      ...[this.program.element, this.partner.element],
      pair(this.event, this.product),
      pair(this.kind, this.share, this.amount, this.currency),
      pair(this.duration, this.months),
      pair(this.approval, this.hold, this.from),
    ];
  }

  /** Offer what belongs to the chosen program. */
  async offer(): Promise<void> {
    const program = this.desk.programs.find(({ id }) => id === this.program.value);
    this.currency.value = program?.currency ?? "";
    await this.partner.offer(this.program.value);
  }

  /** Show the fields that apply to what is chosen. */
  adapt(): void {
    const isLead = this.event.value === "LEAD";
    this.kind.element.hidden = this.product.element.hidden = this.duration.element.hidden = isLead;
    this.share.element.hidden = !this.isShare;
    this.amount.element.hidden = this.currency.element.hidden = this.isShare;
    this.months.element.hidden = isLead || this.duration.value !== "months";
    this.hold.element.hidden = this.approval.value === "MANUAL";
  }

  /** What the rule grants in words; null while something is missing. */
  get sentence(): string | null {
    try {
      const { partnerId, effectiveFrom, ...rest } = this.input;
      const terms = rest as unknown as Omit<Terms, "amount"> & { amount: number | null; currency: string | null };
      const { amount, currency } = terms;
      const formatted = currency && `${inMajorUnits(BigInt(amount ?? 0), decimalsOf(currency))} ${currency}`;
      const who = partnerId ? `${this.partner.words} earns ` : "Partners earn ";
      const from = effectiveFrom ? ` from ${this.from.value}` : "";
      return `${who}${ruleSentence({ ...terms, amount: formatted ? { formatted } : null })}${from}.`;
    } catch {
      return null;
    }
  }

  /** What the form says, as the mutation takes it. Throws `Invalid`. */
  get input(): Record<string, unknown> {
    const isLead = this.event.value === "LEAD";
    const currency = this.currency.value.toUpperCase();
    const months = this.duration.value === "months" ? whole(this.months) : this.duration.value === "0" ? 0 : null;
    return {
      ...{ programId: this.program.value, partnerId: this.partner.given, event: this.event.value },
      ...{ kind: this.isShare ? "PERCENT" : "FIXED", productId: isLead ? null : this.product.given },
      ...(this.isShare ? { basisPoints: points(this.share) } : { amount: minor(this.amount, currency), currency }),
      ...{ durationMonths: isLead ? null : months, approval: this.approval.value },
      holdDays: this.hold.element.hidden ? Number(USUAL_HOLD) : whole(this.hold),
      effectiveFrom: this.from.value ? new Date(`${this.from.value}T00:00`).toISOString() : null,
    };
  }

  private get isShare(): boolean {
    return this.event.value === "SALE" && this.kind.value === "PERCENT";
  }
}

function wrong({ name }: FormField, message: string): Invalid {
  return new Invalid([{ field: name, message, code: "field_invalid" }]);
}

function whole(field: FormField): number {
  if (!/^\d+$/.test(field.value)) throw wrong(field, "Type a whole number");
  return Number(field.value);
}

function points(field: FormField): number {
  const share = Number(field.value.replace(",", ".").replace("%", ""));
  const found = Math.round(share * POINTS);
  const isRight = field.value !== "" && share >= 0 && share <= MOST_PERCENT && Math.abs(share * POINTS - found) < 1e-6;
  if (!isRight) throw wrong(field, "Type a number from 0 to 100, with at most two decimals");
  return found;
}

function minor(field: FormField, currency: string): number {
  const amount = inMinorUnits(field.value, currency);
  if (amount === null) throw wrong(field, `Type an amount with at most ${decimalsOf(currency)} decimals`);
  return amount;
}
