"""The same model fitted by gradient descent, as the reference does it; run by a Python that has torch.

    PYTHON benchmarks/consensus/peer.py RATINGS.npz OUT.npz SEED [stop]

Adam with the reference's learning rate, clipping and stopping rule; single precision; the loss and its costs are ours.
Time is taken there; then it goes on in smaller steps, so that both are compared near the optimum;
with "stop" it does not.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import torch


def main(source: str, target: str, seed: int, go_on: bool) -> None:
    given = np.load(source)
    costs = json.loads(str(given["costs"]))
    began = time.process_time()
    notes, note = np.unique(given["notes"], return_inverse=True)
    raters, rater = np.unique(given["raters"], return_inverse=True)
    mapped = time.process_time()
    note, rater, value = (
        torch.from_numpy(each) for each in (note, rater, given["values"].astype(np.float32))
    )
    torch.manual_seed(seed)
    sizes = {"note_intercept": len(notes), "note_factor": len(notes)}
    sizes |= {"rater_intercept": len(raters), "rater_factor": len(raters)}
    tables = {name: torch.nn.Embedding(size, 1) for name, size in sizes.items()}
    for table in tables.values():
        torch.nn.init.xavier_uniform_(table.weight)
    mu = torch.nn.Parameter(torch.zeros(1, 1))
    parameters = [mu, *(table.weight for table in tables.values())]

    def loss_now() -> torch.Tensor:
        factors = tables["rater_factor"](rater) * tables["note_factor"](note)
        wrong = mu + tables["rater_intercept"](rater) + tables["note_intercept"](note) + factors
        total = ((wrong.squeeze(1) - value) ** 2).mean()
        for name, table in tables.items():
            total = total + costs[name] / len(value) * (table.weight**2).sum()
        return total + costs["mu"] / len(value) * (mu**2).sum()

    descend(parameters, loss_now, rate=1.0, close=1e-7)
    stopped, solving = loss_now().item(), time.process_time() - mapped
    if go_on:
        descend(parameters, loss_now, rate=0.02, close=1e-9)
    np.savez(
        target,
        stopped=stopped,
        loss=loss_now().item(),
        mu=mu.item(),
        intercept=tables["note_intercept"].weight.detach().squeeze(1).numpy(),
        factor=tables["note_factor"].weight.detach().squeeze(1).numpy(),
        raters=tables["rater_factor"].weight.detach().squeeze(1).numpy(),
        mapping=mapped - began,
        solving=solving,
        version=torch.__version__,
    )


def descend(
    parameters: list[torch.nn.Parameter], loss_now: Callable[[], torch.Tensor], *, rate: float, close: float
) -> None:
    """Until the loss changes by no more than `close`, or grows after a hundred steps."""
    optimizer = torch.optim.Adam(parameters, lr=rate)
    before, epoch, loss = 1e10, 0, loss_now()
    while abs(loss.item() - before) > close and not (epoch > 100 and loss.item() > before):
        before = loss.item()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, max_norm=1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss, epoch = loss_now(), epoch + 1


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), go_on=sys.argv[4:] != ["stop"])
