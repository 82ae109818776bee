// Formats numbers, times and names in English, in the viewer's own variety where the browser names one.

import type { Bucket, Interval } from "../api/queries.ts";

const LOCALE = navigator.languages.find((language) => /^en\b/.test(language)) ?? "en-GB";
const numbers = new Intl.NumberFormat(LOCALE);
const compactNumbers = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 });
const compactAmounts = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumSignificantDigits: 3 });
const percents = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 0 });
const rates = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 2 });
const countries = new Intl.DisplayNames(LOCALE, { type: "region", fallback: "code" });

export function number(value: number): string {
  return numbers.format(value);
}

export function compact(value: number): string {
  return compactNumbers.format(value);
}

/** Return an amount for an axis, which may be less than one. */
export function compactAmount(value: number): string {
  return compactAmounts.format(value);
}

/** Return a share such as the conversion rate, to a hundredth of a percent. */
export function rate(value: number): string {
  return rates.format(value);
}

/** Return by how much a figure has changed, such as `12% more`. `fewer` is what is said of one that became smaller. */
export function change(value: number, before: number, fewer: "fewer" | "less" = "fewer"): string {
  const share = Math.abs(value / before - 1);
  const percent = share < 0.005 ? `less than ${percents.format(0.01)}` : percents.format(share);
  return `${percent} ${value > before ? "more" : fewer}`;
}

export function dateTime(moment: string, zone: string): string {
  return format(moment, zone, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export function day(moment: string, zone: string): string {
  return format(moment, zone, { day: "numeric", month: "short", year: "numeric" });
}

export function time(moment: string, zone: string): string {
  return format(moment, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** Return a plain date, which belongs to no time zone, in words. */
export function date(text: string): string {
  return day(`${text}T12:00:00Z`, "UTC");
}

/** Return a bucket's short name, for an axis label. */
export function tick(bucket: Bucket, interval: Interval, zone: string, isOneDay: boolean): string {
  if (interval === "MONTH") return format(bucket.start, zone, { month: "short", year: "2-digit" });
  if (interval === "HOUR" && isOneDay) return format(bucket.start, zone, { hour: "2-digit", minute: "2-digit" });
  return format(bucket.start, zone, { day: "numeric", month: "short" });
}

/** Return a bucket's full name, for a table. */
export function bucketName(bucket: Bucket, interval: Interval, zone: string): string {
  switch (interval) {
    case "HOUR":
      return format(bucket.start, zone, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    case "DAY":
      return format(bucket.start, zone, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
    case "WEEK":
      return `Week of ${day(bucket.start, zone)}`;
    case "MONTH":
      return format(bucket.start, zone, { month: "long", year: "numeric" });
  }
}

export function country(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (countries.of(code) ?? code) : code;
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const DEVICES: Record<string, string> = { tv: "Television", console: "Games console" };

/** Return the name of a device type. */
export function device(type: string): string {
  return DEVICES[type] ?? capitalised(type);
}

/** Return a URL without its scheme, `www.` and a trailing slash. */
export function place(url: string): string {
  return url.replace(/^https?:\/\/(www\.)?/, "").replace(/\/$/, "");
}

function format(moment: string, zone: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(LOCALE, { timeZone: zone, hourCycle: "h23", ...options }).format(new Date(moment));
}
