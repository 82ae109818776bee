// The URL of the GraphQL API. It is relative to the page, because a proxy may serve both under a path prefix.

export const PATH = "graphql";

export function socketUrl(): string {
  return new URL(PATH, location.href).href.replace(/^http/, "ws");
}
