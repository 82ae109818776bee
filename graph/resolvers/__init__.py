"""One module a noun, one plain async function a verb; every face calls these and nothing else."""
