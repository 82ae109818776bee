// The names of the programs, partners and links that a view is filtered by. The address has only their ids.

import { askForAny } from "../api/api.ts";
import { hasIds, wordsOf, type Dimension } from "./dimensions.ts";
import type { Filter, Filters } from "./filters.ts";

interface Row {
  name?: string;
  code?: string;
}

const FIELDS = {
  LINK: "referralLink(id: $) { code }",
  PARTNER: "partner(id: $) { name }",
  PROGRAM: "program(id: $) { name }",
};

export class Names {
  private readonly known = new Map<string, string>();

  remember(id: string, name: string): void {
    this.known.set(id, name);
  }

  /** Return the filters on rows whose names are not known. */
  missing(filters: Filters): Filter[] {
    return filters.filter(({ dimension, value }) => value !== null && hasIds(dimension) && !this.known.has(value));
  }

  /** Look up the names of what is filtered by. Return the filters on what does not exist, or is hidden. */
  async load(filters: Filters, signal: AbortSignal): Promise<Filter[]> {
    const missing = this.missing(filters);
    if (!missing.length) return [];
    const declared = missing.map((_, at) => `$id${at}: ID!`).join(", ");
    const field = (dimension: Dimension) => FIELDS[dimension as keyof typeof FIELDS];
    const parts = missing.map(({ dimension }, at) => `row${at}: ${field(dimension).replace("$", `$id${at}`)}`);
    const variables = Object.fromEntries(missing.map(({ value }, at) => [`id${at}`, value]));
    const query = `query Names(${declared}) {\n${parts.join("\n")}\n}`;
    const rows = await askForAny<Record<string, Row | null>>(query, variables, signal);
    missing.forEach(({ value }, at) => {
      const row = rows[`row${at}`];
      if (row) this.remember(value!, row.name ?? row.code ?? "");
    });
    return this.missing(filters);
  }

  /** Return a filter's value in words. */
  words(dimension: Dimension, value: string | null): string {
    return value !== null && hasIds(dimension) ? (this.known.get(value) ?? "…") : wordsOf(dimension, value);
  }

  /** Return a filter in words, such as `Country is Germany`. */
  sentence({ dimension, value, isOut }: Filter, name: string): [string, string] {
    if (value === null) return [`${name} is`, isOut ? "known" : wordsOf(dimension, null).toLowerCase()];
    return [`${name} ${isOut ? "is not" : "is"}`, this.words(dimension, value)];
  }
}
