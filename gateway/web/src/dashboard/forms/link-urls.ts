// The parts of a link's URL: the page that it leads to, what describes its campaign, and the link's code.

/** The parameters that describe where clicks come from, and what they are called. */
export const TAGS = {
  utm_source: "Source",
  utm_medium: "Medium",
  utm_campaign: "Campaign",
  utm_term: "Keyword",
  utm_content: "Content",
  sub1: "Sub-id 1",
  sub2: "Sub-id 2",
  sub3: "Sub-id 3",
  sub4: "Sub-id 4",
  sub5: "Sub-id 5",
} as const;
export type Tag = keyof typeof TAGS;
export type Tags = Partial<Record<Tag, string>>;
export const TAG_NAMES = Object.keys(TAGS) as Tag[];

/** The parameter that carries a link's code. */
const CODE = "aff";

/** Take a destination apart: the page by itself, and its tags. */
export function apart(destination: string | null): { page: string; tags: Tags } {
  const url = parsed(destination ?? "");
  if (!url) return { page: destination ?? "", tags: {} };
  const tags: Tags = {};
  for (const name of TAG_NAMES) {
    const value = url.searchParams.get(name);
    if (!value) continue;
    tags[name] = value;
    url.searchParams.delete(name);
  }
  return { page: Object.keys(tags).length ? url.href : destination!, tags };
}

/** Return the destination of a link: a page, or else the program's site, with tags. Null for the site without any. */
export function destinationOf(page: string, domain: string | null, tags: Tags): string | null {
  const full = page && !page.includes("://") ? `https://${page}` : page;
  const given = TAG_NAMES.filter((name) => tags[name]);
  if (!given.length) return full || null;
  const url = parsed(full || siteOf(domain));
  // The gateway says what is wrong with it.
  if (!url) return full || null;
  for (const name of given) url.searchParams.set(name, tags[name]!);
  return url.href;
}

/** Return what a partner publishes, as the gateway will make it; null while there is no page to lead to. */
export function finishedUrl(destination: string | null, domain: string | null, code: string): string | null {
  const url = parsed(destination ?? siteOf(domain));
  url?.searchParams.set(CODE, code);
  return url?.href ?? null;
}

function siteOf(domain: string | null): string {
  return domain ? `https://${domain}/` : "";
}

function parsed(text: string): URL | null {
  try {
    const url = new URL(text);
    return /^https?:$/.test(url.protocol) ? url : null;
  } catch {
    return null;
  }
}
