// Where the GraphQL API is. Relative to the page, because a proxy may serve both under a path of its own.

export const PATH = "graphql";

export function socketUrl(): string {
  return new URL(PATH, location.href).href.replace(/^http/, "ws");
}
