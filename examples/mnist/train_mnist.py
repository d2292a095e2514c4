"""Train a two-layer perceptron to read handwritten digits.

    python examples/mnist/train_mnist.py

Training is the loop in `train`: take a batch, compute the loss, go backward, update. The same
script runs on any device, for example `--device cupy:0`. README.md beside this file tells more.
"""

import argparse
import io
import json
import math
import os
import sys
import time
from pathlib import Path

import xdbr
import xdbr.nn.functions as F
import xdbr.nn.links as L
from xdbr import nn, optim, serializers
from xdbr.data import SerialIterator, concat_examples, get_digits, get_mnist, load_idx_dir

INSTALL = 'pip install "xdbr[examples]"'


class MLP(nn.Chain):
    """A perceptron of two layers: from the image to `units` hidden units, from these to a score for each digit."""

    def __init__(self, units, dropout):
        super().__init__()
        self.hidden = L.Linear(None, units)  # None: the size of the images is seen at the first call
        self.scores = L.Linear(units, 10)
        self.dropout = dropout

    def forward(self, x):
        """Give the scores of a batch of images, shape (batch, 10)."""
        h = F.relu(self.hidden(x))
        h = F.dropout(h, self.dropout)
        return self.scores(h)


def train(model, optimizer, batches):
    """Train for one epoch; give the mean loss and accuracy over its examples."""
    mean = Mean()
    for batch in progress_bar(batches, f"epoch {batches.epoch + 1}"):
        x, t = concat_examples(batch)
        loss = model(x, t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        mean.add(len(t), loss, model.accuracy)
    return mean.values()


def evaluate(model, batches):
    """Give the mean loss and accuracy over all examples, without training on them."""
    mean = Mean()
    with xdbr.no_grad(), xdbr.train_mode(False):
        for batch in batches:
            x, t = concat_examples(batch)
            loss = model(x, t)
            mean.add(len(t), loss, model.accuracy)
    return mean.values()


class Mean:
    """The mean over examples of numbers that are means over batches; the last batch may be a smaller one."""

    def __init__(self):
        self.examples = 0
        self.sums = [0.0, 0.0]

    def add(self, examples, *numbers):
        """Count the loss and the accuracy of a batch in, with the number of its examples."""
        self.examples += examples
        self.sums = [s + examples * number.item() for s, number in zip(self.sums, numbers, strict=True)]

    def values(self):
        """Give the mean loss and accuracy."""
        return [s / self.examples for s in self.sums]


def main():
    """Run the script; tell of errors in one message."""
    options = parse_options()
    try:
        run(options)
    except (xdbr.XdbrError, OSError) as error:
        sys.exit(f"train_mnist.py: error: {error}")
    except KeyboardInterrupt:
        checkpoint = options.out / "checkpoint.npz"
        advice = f"; --resume {checkpoint} goes on after the last complete epoch" if checkpoint.exists() else ""
        sys.exit(f"\ninterrupted{advice}")


def run(options):
    """Train, print a line for each epoch, and write the results."""
    if options.device:
        xdbr.set_default_device(options.device)
    xdbr.random.seed(options.seed)

    train_set, test_set = load_data(options.data)
    batches = SerialIterator(train_set, options.batch_size, repeat=False, seed=options.seed)
    test_batches = SerialIterator(test_set, 500, repeat=False, shuffle=False)
    print(f"{len(train_set)} training and {len(test_set)} test images, on {xdbr.get_default_device()}")

    model = L.Classifier(MLP(options.units, options.dropout))
    optimizer = optim.Adam(lr=options.lr).setup(model)

    # All that the rest of the training depends on: with it, a resumed run equals an uninterrupted one bit for bit.
    state = {
        "model": model,
        "optimizer": optimizer,
        "batches": batches,
        "random": xdbr.random,
        "settings": {name: getattr(options, name) for name in ("data", "batch_size", "units", "dropout", "lr", "seed")},
        "log": [],
    }
    if options.resume:
        state = resume(options.resume, state)
    log = state["log"]

    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    while batches.epoch < options.epochs:
        start = time.perf_counter()
        train_loss, train_accuracy = train(model, optimizer, batches)
        test_loss, test_accuracy = evaluate(model, test_batches)
        seconds = time.perf_counter() - start
        if not math.isfinite(train_loss + test_loss):
            raise xdbr.XdbrError(
                f"the training has diverged: in epoch {batches.epoch} the training loss is {train_loss} and the test "
                f"loss {test_loss}; a smaller --lr than {options.lr} may help"
            )
        print(
            f"epoch {batches.epoch:3}  training loss {train_loss:.4f} accuracy {train_accuracy:.4f}"
            f"  test loss {test_loss:.4f} accuracy {test_accuracy:.4f}  {seconds:.2f} s",
            flush=True,
        )
        log.append(
            {
                "epoch": batches.epoch,
                "train_loss": train_loss,
                "train_accuracy": train_accuracy,
                "test_loss": test_loss,
                "test_accuracy": test_accuracy,
                "seconds": seconds,
            }
        )
        serializers.save_npz(out / "checkpoint.npz", state)
        write_whole(out / "log.json", (json.dumps(log, indent=1) + "\n").encode())

    serializers.save_npz(out / "model.npz", model)
    plot(log, out / "plot.png")
    draw_graph(model, train_set, out)
    print(f"test accuracy {log[-1]['test_accuracy']:.2%} after {len(log)} epochs; results are in {out}")


def load_data(name):
    """Give the training and the test set; an example is an image, with values from 0 to 1, and its digit."""
    if name == "digits":
        return get_digits()
    if name == "mnist":
        return get_mnist()
    return load_idx_dir(name)


def resume(path, state):
    """Take over the state of a checkpoint of a run with the same settings, or nothing of it."""
    saved = serializers.load_npz(path)
    if not isinstance(saved, dict) or saved.keys() != state.keys():
        raise xdbr.SerializationError(f"--resume: {path} is no checkpoint of this script")
    differences = [
        f"--{name.replace('_', '-')} was {saved['settings'].get(name)} and is {value}"
        for name, value in state["settings"].items()
        if saved["settings"].get(name) != value
    ]
    if differences:
        raise xdbr.SerializationError(f"--resume: {path} is of a run with other settings: {'; '.join(differences)}")
    return serializers.load_npz(path, state)


def progress_bar(batches, text):
    """Show a bar while going through `batches`, where tqdm is installed and a terminal is there."""
    try:
        from tqdm import tqdm
    except ImportError:
        if batches.epoch == 0:
            print(f"tqdm is not installed, so there is no progress bar: {INSTALL}")
        return batches
    return tqdm(batches, text, leave=False, disable=None)


def plot(log, path):
    """Plot loss and accuracy over the epochs, where matplotlib is installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print(f"matplotlib is not installed, so there is no {path.name}: {INSTALL}")
        return
    epochs = [row["epoch"] for row in log]
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [row[f"train_{quantity}"] for row in log], marker=".", label="training")
        axes.plot(epochs, [row[f"test_{quantity}"] for row in log], marker=".", label="test")
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.grid(alpha=0.3)
        axes.legend()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    write_whole(path, picture.getvalue())


def write_whole(path, content):
    """Write a file beside its place and rename it, so that a run which is stopped leaves no half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def draw_graph(model, examples, out):
    """Draw how the loss of a few examples is computed."""
    x, t = concat_examples(examples[:8])
    graph = xdbr.draw(model(x, t))
    graph.save(out / "graph.svg")
    graph.save(out / "graph.dot")


def parse_options():
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--data", default="digits", help="digits, mnist, or a folder with four IDX files like those of MNIST")
    add("--device", help="where to compute, such as numpy or cupy:0 (by default as XDBR_DEVICE says, or numpy)")
    add("--epochs", type=number(int, 1), default=30, help="epochs in all, those before --resume included")
    add("--batch-size", type=number(int, 1), default=32, help="images in a batch")
    add("--units", type=number(int, 1), default=128, help="hidden units")
    add("--dropout", type=number(float, 0, 0.99), default=0.5, help="share of the hidden units dropped in training")
    add("--lr", type=number(float, 1e-9), default=0.003, help="learning rate of Adam")
    add("--seed", type=number(int, 0), default=0, help="of all random numbers")
    add("--out", type=Path, default=Path("result"), help="folder to write to")
    add("--resume", type=Path, metavar="PATH", help="go on from a checkpoint, such as result/checkpoint.npz")
    options = parser.parse_args()
    if options.data not in ("digits", "mnist") and not Path(options.data).is_dir():
        parser.error(f"--data: expected digits, mnist or a folder with four IDX files; there is no {options.data!r}")
    if options.resume and not options.resume.is_file():
        parser.error(f"--resume: there is no file {options.resume}")
    return options


def number(kind, least, most=float("inf")):
    """Give a function that reads a number between two limits for argparse."""

    def read(text):
        value = kind(text)
        if not least <= value <= most or value == float("inf"):
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}; got {text}")
        return value

    read.__name__ = kind.__name__
    return read


if __name__ == "__main__":
    main()
