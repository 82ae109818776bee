// Writes tables as CSV files (RFC 4180). Text that a spreadsheet would run as a formula is made harmless.

/** A number in exact digits, which may have more than a `number` can hold. */
export class Decimal {
  constructor(readonly digits: string) {}
}

export type Cell = string | number | Decimal | null;

/** What spreadsheets take for the start of a formula, including full-width characters. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
// A byte order mark tells Excel that the text is UTF-8.
export const MARK = "\uFEFF";

type Rows = readonly (readonly Cell[])[];

/** A file that is made some lines at a time. The browser may keep on its disk what it has of the file. */
export class CsvParts {
  lines = 0;
  private readonly parts: Blob[] = [new Blob([MARK])];

  add(rows: Rows): void {
    this.lines += rows.length;
    this.parts.push(new Blob([text(rows)]));
  }

  get file(): Blob {
    return new Blob(this.parts, { type: "text/csv" });
  }
}

export function csv(rows: Rows): string {
  return MARK + text(rows);
}

/** Offer rows to the user as a file download. */
export function download(name: string, rows: Rows): void {
  save(name, new Blob([csv(rows)], { type: "text/csv" }));
}

export function save(name: string, file: Blob): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function text(rows: Rows): string {
  return rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}

function cell(value: Cell): string {
  if (typeof value === "number") return String(value);
  if (value instanceof Decimal) return value.digits;
  const words = value ?? "";
  const harmless = FORMULA.test(words) ? `'${words}` : words;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
