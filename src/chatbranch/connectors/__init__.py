"""One folder a platform. Each knows only the contract and the kernel, and nothing of the others."""
