// The queries to start from, a tab each.

import documents from "./examples.graphql";

export const examples = documents.split(/\n\n(?=query )/).map((query) => ({ query: query.trim() }));
