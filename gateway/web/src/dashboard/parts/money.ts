// Amounts of money. The API formats them; what is computed here stays exact, and each currency stays apart.

import type { Money } from "../api/queries.ts";

/** How many digits the amount for each of some things has beyond the currency's own. */
const MORE_DIGITS = 2;

/** Return the amounts as texts, one for each currency. */
export function amounts(money: readonly Money[]): string[] {
  return money.map((each) => each.formatted);
}

/** Return what can be paid: more than nothing. */
export function payable(balance: readonly Money[]): Money[] {
  return balance.filter(({ amount }) => amount > 0);
}

/** Return how many decimals the currency of an amount has. */
export function decimals({ formatted }: Money): number {
  return /\.(\d+) /.exec(formatted)?.[1]?.length ?? 0;
}

/** Return the sums of amounts as texts, one for each currency, in the order of the currencies. */
export function sums(money: readonly Money[]): string[] {
  const totals = new Map<string, { sum: bigint; digits: number }>();
  for (const each of money) {
    const { sum } = totals.get(each.currency) ?? { sum: 0n };
    totals.set(each.currency, { sum: sum + BigInt(each.amount), digits: decimals(each) });
  }
  const sorted = [...totals].sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.map(([currency, { sum, digits }]) => `${inMajorUnits(sum, digits)} ${currency}`);
}

/** Return an amount in minor units as a decimal number. */
export function inMajorUnits(amount: bigint, digits: number): string {
  const text = String(amount < 0n ? -amount : amount).padStart(digits + 1, "0");
  const sign = amount < 0n ? "-" : "";
  return digits ? `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}` : sign + text;
}

/** Return what each of `count` things brings in, one text for each currency, rounded half away from zero. */
export function perEach(money: readonly Money[], count: number): string[] {
  if (count === 0) return [];
  return money.map((each) => {
    const { amount, currency } = each;
    const digits = decimals(each) + MORE_DIGITS;
    const total = BigInt(amount) * 10n ** BigInt(MORE_DIGITS);
    const size = total < 0n ? -total : total;
    const rounded = (2n * size + BigInt(count)) / (2n * BigInt(count));
    return `${inMajorUnits(total < 0n ? -rounded : rounded, digits)} ${currency}`;
  });
}
