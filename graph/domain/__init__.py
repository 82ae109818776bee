"""The domain: errors, context, scope, and one plain async function per verb."""
