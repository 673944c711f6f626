"""Fit and sample TabularARGN of `mostlyai-engine`; run inside its own environment (contract.py)."""

import torch
from contract import main
from mostlyai.engine import TabularARGN


def fit(train, job):
    torch.set_num_threads(job["threads"])
    model = TabularARGN(random_state=job["seed"], device="cpu", verbose=1)
    return model.fit(train)


def sample(model, n, job):
    return model.sample(n_samples=n)


if __name__ == "__main__":
    main(fit, sample, ["mostlyai-engine", "torch", "pandas", "numpy"])
