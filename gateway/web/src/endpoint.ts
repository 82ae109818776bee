// The gateway's URLs. They are found from this script's own, because a proxy may serve all under a path prefix, and
// pages are in several folders. Scripts are in a folder below the gateway's root.

export const ROOT = new URL("..", import.meta.url);
/** The GraphQL API. */
export const PATH = new URL("graphql", ROOT).href;

export const SESSION_PATH = new URL("api/v1/session", ROOT).href;

/** Return the URL of a list as a file. */
export function exportUrl(file: string): string {
  return new URL(`api/v1/export/${file}`, ROOT).href;
}

/** Return the URL that takes a file of links. */
export function importUrl(): string {
  return PATH.replace(/graphql$/, "api/v1/import/links");
}

export function socketUrl(): string {
  return PATH.replace(/^http/, "ws");
}
