"""The rules: errors, context and resolvers, one plain async function per verb."""
