// The URL of the GraphQL API. It is relative to the page, because a proxy may serve both under a path prefix.

export const PATH = "graphql";

/** Return the URL of a list as a file. */
export function exportUrl(file: string): string {
  return PATH.replace(/graphql$/, `api/v1/export/${file}`);
}

export function socketUrl(): string {
  return new URL(PATH, location.href).href.replace(/^http/, "ws");
}
