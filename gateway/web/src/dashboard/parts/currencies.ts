// Amounts as people type them, in minor units of their currency.

/** The currencies of ISO 4217 that have not two decimals. Browsers count those in use instead: none for forints. */
const DECIMALS: Record<number, string> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
};
const USUAL = 2;

/** Return how many decimals a currency has. */
export function decimalsOf(currency: string): number {
  const found = Object.keys(DECIMALS).find((digits) => DECIMALS[Number(digits)]!.split(" ").includes(currency));
  return Number(found ?? USUAL);
}

/** Return an amount in minor units, such as 1250 for `12.5` in euros; null for what is no amount of the currency. */
export function inMinorUnits(text: string, currency: string): number | null {
  const [, whole, fraction = ""] = /^(\d+)(?:[.,](\d+))?$/.exec(text) ?? [];
  const digits = decimalsOf(currency);
  if (whole === undefined || fraction.length > digits) return null;
  const amount = Number(whole + fraction.padEnd(digits, "0"));
  return Number.isSafeInteger(amount) ? amount : null;
}
