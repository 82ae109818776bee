// What the chart can show: clicks, leads, sales, and revenue and commission in one currency.

import type { Bucket, Money } from "../api/queries.ts";
import { capitalised, compact, compactAmount, number } from "../parts/format.ts";
import { decimals } from "../parts/money.ts";

export interface Measure {
  /** As in the page's address, such as `sales` or `revenue-eur`. */
  key: string;
  /** As in a sentence, such as `revenue in EUR`. */
  name: string;
  /** A number to draw: a count, or an amount in minor units. */
  value: (bucket: Bucket) => number;
  /** The value in words. */
  words: (bucket: Bucket) => string;
  /** A number at the axis. */
  tick: (value: number) => string;
  /** The top of the axis for the largest value. A few clicks do not fill it. */
  top: (most: number) => number;
}

/** The least top of the axis, so that it has steps even if nothing, or little, was counted. */
const LEAST_TOP = 4;
/** Leaves some room above the highest bar. */
const ROOM = 1.08;
const COUNTED = ["clicks", "leads", "sales"] as const;
const PAID = { revenue: "revenue", commission: "earnings" } as const;
type Paid = keyof typeof PAID;

/** Return the measures of a report: amounts in each of its currencies, and in that of the chosen measure. */
export function measuresOf(buckets: readonly Bucket[], chosen: string): Measure[] {
  const amounts = (Object.keys(PAID) as Paid[]).flatMap((kind) =>
    currenciesOf(buckets, kind, chosen).map((currency) => paid(buckets, kind, currency)),
  );
  return [...COUNTED.map(counted), ...amounts];
}

/** Return the chosen measure. If it is an amount without a currency, that is the first one of its kind. */
export function measureOf(measures: readonly Measure[], chosen: string): Measure {
  const exact = measures.find((measure) => measure.key === chosen);
  return exact ?? measures.find((measure) => measure.key.startsWith(`${chosen}-`)) ?? measures[0]!;
}

/** Return the currencies of a report in order; an empty text if there are none. */
function currenciesOf(buckets: readonly Bucket[], kind: Paid, chosen: string): string[] {
  const found = new Set(buckets.flatMap((bucket) => bucket[PAID[kind]].map(({ currency }) => currency)));
  const [ofKind, currency] = chosen.split("-");
  if (ofKind === kind && currency) found.add(currency.toUpperCase());
  return found.size ? [...found].sort() : [""];
}

function counted(name: (typeof COUNTED)[number]): Measure {
  return {
    key: name,
    name,
    value: (bucket) => bucket[name],
    words: (bucket) => number(bucket[name]),
    tick: compact,
    top: (most) => Math.max(LEAST_TOP, most * ROOM),
  };
}

function paid(buckets: readonly Bucket[], kind: Paid, currency: string): Measure {
  const of = (bucket: Bucket): Money | undefined => bucket[PAID[kind]].find((each) => each.currency === currency);
  const any = buckets.map(of).find(Boolean);
  const unit = 10 ** (any ? decimals(any) : 0);
  return {
    key: currency ? `${kind}-${currency.toLowerCase()}` : kind,
    name: currency ? `${kind} in ${currency}` : kind,
    value: (bucket) => of(bucket)?.amount ?? 0,
    words: (bucket) => of(bucket)?.formatted ?? `0 ${currency}`,
    tick: (value) => compactAmount(value / unit),
    top: (most) => (most > 0 ? most * ROOM : LEAST_TOP * unit),
  };
}

export function labelOf({ name }: Measure): string {
  return capitalised(name);
}
