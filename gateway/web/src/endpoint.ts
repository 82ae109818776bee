// The gateway's URLs. They are found from this script's own, because a proxy may serve all under a path prefix, and
// pages are in several folders. Scripts are in a folder below the gateway's root.

export const ROOT = new URL("..", import.meta.url);
/** The GraphQL API. */
export const PATH = new URL("graphql", ROOT).href;

export function socketUrl(): string {
  return PATH.replace(/^http/, "ws");
}
