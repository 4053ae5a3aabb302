# %% [markdown]
# # You will build the same network in PyTorch, see that your engine agrees with it to the last digits, and move it to a GPU
#
# You have written an engine, optimisers and layers. PyTorch is the same thing, made by hundreds of people over ten
# years: faster, on graphics cards too, with more operations than anybody remembers. After this unit you use it. Nothing
# in it will be magic to you, for you have built a small one. It takes about 90 minutes.
#
# First the proof. Below, two networks start from the same weights and see the same batches. One runs on the engine of
# unit 03 (**your own**, if its checks have passed, else a stand-in), the other on PyTorch. On the left are their losses,
# on the right is the difference between them. Run the next two cells, then change the learning rate.

# %% setup
import copy
import functools
import os
import pickle
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

import gradus
from gradus import plot
from gradus.check import assert_close, assert_raises, check, inside, rng
from gradus.widgets import choice, explore, slider, written

gradus.unit("07_pytorch")

engine = gradus.carried("03_backprop")
bends = gradus.carried("05_activations")
device = gradus.device()  # a GPU where there is one; the notebook is the same

digits = load_digits()
shuffled = np.random.default_rng(0).permutation(len(digits.target))
images, labels = digits.images[shuffled] / 16, digits.target[shuffled]  # (1797, 8, 8) of ink from 0 to 1, (1797,)
train_images, train_labels = images[:1258], labels[:1258]
test_images, test_labels = images[1258:], labels[1258:]  # 30 %

# %%
SIZES = (64, 32, 10)


def start(seed=0):
    """The same weights for both: a list of (w, b), w of shape (fan_in, fan_out)."""
    dice = np.random.default_rng(seed)
    pairs = zip(SIZES[:-1], SIZES[1:])
    return [(dice.normal(scale=np.sqrt(2 / m), size=(m, n)), np.zeros(n)) for m, n in pairs]


def batches(steps, size=32):
    """The same batches for both."""
    dice = np.random.default_rng(1)
    for _ in range(steps):
        rows = dice.integers(0, len(train_labels), size)
        yield train_images[rows].reshape(-1, 64), train_labels[rows]  # (32, 64), (32,)


def with_engine(lr, steps):
    """Losses of a network on the engine of unit 03."""
    (w1, b1), (w2, b2) = [(engine.Tensor(w), engine.Tensor(b)) for w, b in start()]
    losses = []
    for X, y in batches(steps):
        for p in (w1, b1, w2, b2):
            p.grad = None
        logits = (engine.Tensor(X) @ w1 + b1).relu() @ w2 + b2
        losses.append(bends.cross_entropy(logits.data, y))
        logits.backward(bends.d_cross_entropy(logits.data, y))
        for p in (w1, b1, w2, b2):
            p.data = p.data - lr * p.grad
    return np.array(losses)


def with_torch(lr, steps):
    """Losses of the same network in PyTorch, in double precision, as the engine computes."""
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).double()
    with torch.no_grad():
        for layer, (w, b) in zip((net[0], net[2]), start()):
            layer.weight.copy_(torch.from_numpy(w.T))  # PyTorch keeps (fan_out, fan_in)
            layer.bias.copy_(torch.from_numpy(b))
    optimiser, losses = torch.optim.SGD(net.parameters(), lr=lr), []
    for X, y in batches(steps):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(net(torch.from_numpy(X)), torch.from_numpy(y))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return np.array(losses)


@functools.lru_cache(maxsize=30)
def both(lr, steps=150):
    return with_engine(lr, steps), with_torch(lr, steps)


def side_by_side(lr):
    """The losses of the engine and of PyTorch from the same weights, and the difference between them."""
    ours, theirs = both(lr)
    figure, axes = plot.figure(2, height=3.0)
    whose = "your engine" if engine.own["Tensor"] else "the stand-in engine"
    axes[0].plot(ours, color=plot.ORANGE, lw=5, alpha=0.6, label=whose)
    axes[0].plot(theirs, color=plot.BLUE, lw=1.2, label="PyTorch")
    axes[0].set(xlabel="step", ylabel="loss", ylim=(0, 3))
    axes[0].legend()
    axes[1].semilogy(np.abs(ours - theirs) + 1e-18, color=plot.VERMILION)
    axes[1].axhline(1e-6, color="grey", ls=":")
    axes[1].set(xlabel="step", ylabel="difference", ylim=(1e-18, 1), title=f"at most {np.abs(ours - theirs).max():.1e}")
    return figure


explore(side_by_side, lr=slider(0.1, 0.001, 10.0, 0.5, "learning rate", log=True))

# %% [markdown]
# The dotted line is a millionth. Both compute with 64-bit floats, which keep about sixteen digits, and add up in different
# orders; that is all the difference there is. (Where there is none at all, the line lies at the bottom.) With a very large learning rate it grows: small differences are then
# blown up from step to step, as in the weather.
#
# ## Where does the time go?
#
# The same step, taken apart. A number of neurons, the same in both: which part costs what? With few neurons most of the
# time is Python's, between the operations. With many it is arithmetic, and there both use the same fast library.

# %%
@functools.lru_cache(maxsize=20)
def stopwatch(width, repeats=7):
    """Milliseconds of (forward, backward, update) for the engine and for PyTorch: the best of some repeats each."""
    dice = np.random.default_rng(0)
    X, y = dice.normal(size=(64, 64)), dice.integers(0, 10, 64)
    W = [dice.normal(scale=0.1, size=s) for s in ((64, width), (width, width), (width, 10))]
    ours, theirs = [engine.Tensor(w) for w in W], [torch.tensor(w, requires_grad=True) for w in W]
    inputs, classes = torch.tensor(X), torch.tensor(y)
    best = np.full((2, 3), np.inf)
    for _ in range(repeats):  # in turn, so that both meet the same disturbances
        for which, params in enumerate((ours, theirs)):
            for p in params:
                p.grad = None
            t0 = time.perf_counter()
            if which == 0:
                logits = ((engine.Tensor(X) @ params[0]).relu() @ params[1]).relu() @ params[2]
                t1 = time.perf_counter()
                logits.backward(bends.d_cross_entropy(logits.data, y))
                t2 = time.perf_counter()
                for p in params:
                    p.data = p.data - 0.01 * p.grad
            else:
                loss = nn.functional.cross_entropy(((inputs @ params[0]).relu() @ params[1]).relu() @ params[2], classes)
                t1 = time.perf_counter()
                loss.backward()
                t2 = time.perf_counter()
                with torch.no_grad():
                    for p in params:
                        p -= 0.01 * p.grad
            best[which] = np.minimum(best[which], np.diff([t0, t1, t2, time.perf_counter()]) * 1000)
    return best


def clock(width):
    """The milliseconds of a training step, part by part, for the engine and for PyTorch."""
    times = stopwatch(width)
    figure, axes = plot.figure(height=2.4)
    left = np.zeros(2)
    for part, name in enumerate(("forward", "backward", "update")):
        axes.barh(["engine of unit 03", "PyTorch"], times[:, part], left=left, label=name)
        left = left + times[:, part]
    axes.set(xlim=(0, 1.25 * left.max()), xlabel="milliseconds a step, batch of 64, double precision", title=f"engine : PyTorch = {left[0] / left[1]:.1f} : 1")
    axes.legend(fontsize=8, loc="center right")
    return figure


explore(clock, width=choice([16, 64, 256, 1024], 64, label="neurons a layer"))

# %% [markdown]
# ## A phrase book
#
# You know all of this under other names.
#
# | yours | PyTorch's |
# |---|---|
# | `Tensor(a)` | `torch.tensor(a, dtype=torch.float32)` copies an array; `torch.from_numpy(a)` keeps its memory and its type |
# | `t.data` | `t.detach().numpy()`; of a tensor with one number, `t.item()` |
# | `t.sum(axis=1)`, `z.argmax(axis=1)` | `t.sum(dim=1)`, `z.argmax(dim=1)` |
# | every Tensor gets a gradient | only with `requires_grad=True`; an `nn.Parameter` has it |
# | `loss.backward()`, `w.grad` | the same |
# | nothing | `with torch.no_grad():` what is computed in it is not noted for the way back |
# | `Linear(2, 3, rng)`, `Tensor.relu` | `nn.Linear(2, 3)`, `nn.ReLU()`: every layer is an object, also one without weights |
# | `Sequential(a, b, c)` | `nn.Sequential(a, b, c)` |
# | `net.train(True)`, `net.train(False)` | `net.train()`, `net.eval()`; `net.training` says which |
# | `cross_entropy(z.data, y)`, then `z.backward(d_cross_entropy(z.data, y))` | `loss = nn.functional.cross_entropy(z, y)`, then `loss.backward()` |
# | `Optimiser(net.parameters(), sgd_step, lr=0.1)` | `torch.optim.SGD(net.parameters(), lr=0.1)`; `zero_grad()` and `step()` are the same |
#
# **In small numbers.** The weights $w = (1, -1)$ make of $x = (1, 2)$ the number $1 - 2 = -1$. The loss is its square, 1. Its
# gradient is $2 \cdot (-1) \cdot x = (-2, -4)$, and a step with learning rate 0.1 leads to $w = (1.2, -0.6)$. The same in PyTorch:


# %%
def first_step():
    """One step of gradient descent in PyTorch."""
    x = torch.tensor([1.0, 2.0])
    w = torch.tensor([1.0, -1.0], requires_grad=True)
    optimiser = torch.optim.SGD([w], lr=0.1)
    loss = (x @ w) ** 2  # a tensor of shape (): it knows where it came from
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item(), w.grad, w.detach().numpy()


print("loss {:.1f}, gradient {}, w after the step {}".format(*first_step()))

# %% [markdown]
# ## 1. Data, one example at a time
#
# **In words.** Your `minibatches` cut a table that fits into memory. PyTorch splits the job in two. A `Dataset` knows how
# many examples there are, and gives you number $i$. A `DataLoader` shuffles the numbers, fetches the examples, and stacks
# them into batches; it can do so in several processes while the network computes.
#
# **In small numbers.** Picture 5 is an (8, 8) array of ink and a label, say 3. The dataset gives a pair: a tensor of 64
# `float32` numbers, and the number 3. Thirty-two such pairs become a tensor (32, 64) and a tensor (32,) of `int64`.
#
# > **Why `float32`?** Half the memory, and on a GPU far more than twice as fast. Seven digits are enough for weights. Labels are
# > `int64` because they are used as positions.
#
# **In code.** Write `DigitsDataset`. NumPy's arrays are `float64`, so say which type you want.

# %% exercise="DigitsDataset" minutes=8 difficulty=1
class DigitsDataset(Dataset):
    """Pictures and their labels, one at a time."""

    def __init__(self, images, labels):
        """images: array (N, H, W) of ink from 0 to 1.  labels: array (N,) of whole numbers."""
        ### BEGIN SOLUTION
        self.pixels = torch.tensor(np.asarray(images), dtype=torch.float32).flatten(1)  # (N, H * W)
        self.labels = torch.tensor(np.asarray(labels), dtype=torch.int64)
        ### END SOLUTION

    def __len__(self):
        """The number of examples."""
        ### BEGIN SOLUTION
        return len(self.labels)
        ### END SOLUTION

    def __getitem__(self, i):
        """Example i: a float32 tensor (H * W,) and its label, an int64 tensor of shape ()."""
        ### BEGIN SOLUTION
        return self.pixels[i], self.labels[i]
        ### END SOLUTION


# %% check="DigitsDataset" points=4
@inside
def example(images, labels, i):
    """Example i of a dataset of these, as arrays, with the types as words."""
    data = DigitsDataset(images, labels)
    x, y = data[i]
    numbers = [part.numpy() if isinstance(part, torch.Tensor) else np.array(part) for part in (x, y)]
    return len(data), *numbers, [type(x).__name__, str(getattr(x, "dtype", "")), str(getattr(y, "dtype", ""))]


@inside
def loaded(images, labels, size):
    """The batches that a DataLoader makes of it, in order, and their types."""
    out = []
    for x, y in DataLoader(DigitsDataset(images, labels), batch_size=size):
        out.append([x.numpy(), y.numpy(), str(x.dtype), str(y.dtype)])
    return out


PICTURES = np.arange(24).reshape(3, 2, 4) / 32
NAMES = np.array([7, 1, 9])


def test_example():
    "the second of three pictures, as a row of numbers"
    count, x, y, types = example(PICTURES, NAMES, 1)
    assert_close(count, 3, name="the length")
    assert_close(x, (np.arange(8.0, 16.0) / 32).astype(np.float32), name="the picture")
    assert_close(y, np.array(1), name="the label")


def test_types():
    "a float32 tensor and an int64 label"
    count, x, y, types = example(PICTURES, NAMES, 2)
    wanted = "A picture should be a Tensor of float32, its label a tensor of int64."
    assert types == ["Tensor", "torch.float32", "torch.int64"], wanted
    assert_close(y, np.array(9))


def test_batches():
    "a DataLoader stacks them: two, then one"
    first, last = loaded(PICTURES, NAMES, 2)
    assert_close(first[0], (np.arange(16.0).reshape(2, 8) / 32).astype(np.float32))
    assert first[1].tolist() == [7, 1] and last[1].tolist() == [9]
    assert first[2:] == ["torch.float32", "torch.int64"]


def test_left_alone():
    "the arrays that it was made of stay as they are, and apart"
    images = PICTURES.copy()
    count, x, y, types = example(images, NAMES, 0)
    assert_close(images, PICTURES)
    assert_close(x, (np.arange(8.0) / 32).astype(np.float32))


### BEGIN HIDDEN TESTS
def test_digits():
    "real digits"
    count, x, y, types = example(train_images[:20], train_labels[:20], 13)
    assert_close((count, x, y), (20, train_images[13].reshape(64).astype(np.float32), np.array(train_labels[13])))


def test_other_shape():
    "pictures of three by five, labels as small whole numbers"
    images, names = rng.uniform(size=(6, 3, 5)), np.arange(6, dtype=np.int8)
    count, x, y, types = example(images, names, 5)
    assert types == ["Tensor", "torch.float32", "torch.int64"]
    assert_close((x, y), (images[5].reshape(15).astype(np.float32), np.array(5)))


### END HIDDEN TESTS

check("DigitsDataset", points=4)


# %% mistake="DigitsDataset" name="double" hint="Your pixels are float64: PyTorch takes NumPy's type over. Layers hold float32, and refuse to multiply the two. Say dtype=torch.float32."
class DigitsDataset(Dataset):
    def __init__(self, images, labels):
        self.pixels = torch.from_numpy(np.array(images)).flatten(1)
        self.labels = torch.tensor(labels, dtype=torch.int64)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.pixels[i], self.labels[i]


# %% mistake="DigitsDataset" name="picture-not-flat" hint="An example is still a picture (H, W). The network's first layer wants a row of H * W numbers: flatten it."
class DigitsDataset(Dataset):
    def __init__(self, images, labels):
        self.pixels = torch.tensor(images, dtype=torch.float32)
        self.labels = torch.tensor(labels, dtype=torch.int64)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.pixels[i], self.labels[i]


# %% mistake="DigitsDataset" name="pixels-counted" hint="`len` gives the number of pixels of a picture. It should say how many examples there are."
class DigitsDataset(Dataset):
    def __init__(self, images, labels):
        self.pixels = torch.tensor(images, dtype=torch.float32).flatten(1)
        self.labels = torch.tensor(labels, dtype=torch.int64)

    def __len__(self):
        return self.pixels.shape[1]

    def __getitem__(self, i):
        if i >= len(self.labels):
            raise IndexError(i)
        return self.pixels[i], self.labels[i]


# %% mistake="DigitsDataset" name="arrays" hint="An example is still a NumPy array. Make a tensor of it: torch.tensor(..., dtype=torch.float32)."
class DigitsDataset(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images.reshape(len(images), -1).astype(np.float32), labels.astype(np.int64)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


# %% mistake="DigitsDataset" name="label-as-float" hint="Your labels are float32. The cross-entropy uses them as positions, and wants int64."
class DigitsDataset(Dataset):
    def __init__(self, images, labels):
        self.pixels = torch.tensor(images, dtype=torch.float32).flatten(1)
        self.labels = torch.tensor(labels, dtype=torch.float32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.pixels[i], self.labels[i]


# %% mistake="DigitsDataset" name="label-first" hint="Picture and label have changed places. The pair is (picture, label)."
class DigitsDataset(Dataset):
    def __init__(self, images, labels):
        self.pixels = torch.tensor(images, dtype=torch.float32).flatten(1)
        self.labels = torch.tensor(labels, dtype=torch.int64)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.labels[i], self.pixels[i]


# %% mistake="DigitsDataset" name="scaled-again" hint="The ink is already between 0 and 1; you divided it once more. Leave the numbers as they come."
class DigitsDataset(Dataset):
    def __init__(self, images, labels):
        self.pixels = torch.tensor(images, dtype=torch.float32).flatten(1) / 16
        self.labels = torch.tensor(labels, dtype=torch.int64)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.pixels[i], self.labels[i]


# %% variant="DigitsDataset"
class DigitsDataset(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return self.images.shape[0]

    def __getitem__(self, i):
        x = torch.as_tensor(self.images[i].ravel()).float()
        return x, torch.tensor(int(self.labels[i]))


# %% [markdown]
# ## 2. To the device
#
# **In words.** A GPU has a memory of its own. What is to be computed there must be brought there, the network once, each
# batch when its turn comes. Two tensors meet only on the same device.
#
# A batch may be a tensor, or a tuple of tensors, or a dictionary of them, or something nested; sometimes a name or a
# number is among them. One function should bring all of it over.
#
# **In small numbers.** `to_device((x, {"y": y, "name": "a"}), device)` gives a tuple and a dictionary again, in which `x` and
# `y` lie on the device and `"a"` is what it was.
#
# **In code.** Write `to_device`. `x.to(device)` gives a tensor's copy on the device, or the tensor itself if it is there
# already. (Your code is checked on a device called `meta`, which every machine has: its tensors have a shape and no
# numbers.)

# %% exercise="to_device" minutes=8 difficulty=2
def to_device(batch, device):
    """Everything in a batch on a device.

    Args:
        batch: a tensor, or a tuple, list or dict of such, nested as you like; anything else in it stays what it is.
        device: a torch device, or its name.

    Returns:
        The same structure with every tensor on the device. The batch itself is left alone.
    """
    ### BEGIN SOLUTION
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    return batch
    ### END SOLUTION


# %% check="to_device" points=4
@inside
def moved(kind, target="meta"):
    """What to_device makes of a batch of this kind: for each tensor its shape, type and device, else what it is."""
    x, y = torch.ones(2, 3), torch.tensor([4, 5])
    given = {
        "tensor": x,
        "tuple": (x, y),
        "list": [y, x],
        "dict": {"x": x, "y": y},
        "nested": ((x, {"y": y, "name": "a"}), [x, 7, None]),
        "empty": (),
    }[kind]
    before = copy.deepcopy(given)

    def shown(part):
        if isinstance(part, torch.Tensor):
            return [list(part.shape), str(part.dtype), part.device.type]
        if isinstance(part, (tuple, list)):
            return [type(part).__name__, *map(shown, part)]
        if isinstance(part, dict):
            return ["dict", *([key, shown(value)] for key, value in part.items())]
        return ["as it was", part]

    result = shown(to_device(given, torch.device(target)))
    same = shown(given) == shown(before) and x.tolist() == [[1.0] * 3] * 2 and y.tolist() == [4, 5]
    assert same, "to_device changed the batch that it was given. Build a new one."
    return result


@inside
def values(target):
    """A batch brought to a device that has numbers."""
    x, y = torch.tensor([1.5, -2.0]), torch.tensor([3])
    result = to_device((x, {"y": y}), torch.device(target))
    assert x.tolist() == [1.5, -2.0] and y.tolist() == [3], "to_device changed the batch that it was given."
    return result


X23, Y2 = [[2, 3], "torch.float32", "meta"], [[2], "torch.int64", "meta"]


def test_tensor():
    "a tensor"
    assert moved("tensor") == X23


def test_tuple():
    "a tuple stays a tuple"
    assert moved("tuple") == ["tuple", X23, Y2]


def test_list():
    "a list stays a list"
    assert moved("list") == ["list", Y2, X23]


def test_dict():
    "a dictionary keeps its keys"
    assert moved("dict") == ["dict", ["x", X23], ["y", Y2]]


def test_nested():
    "a batch in a batch; names and numbers stay"
    inner = ["tuple", X23, ["dict", ["y", Y2], ["name", ["as it was", "a"]]]]
    assert moved("nested") == ["tuple", inner, ["list", X23, ["as it was", 7], ["as it was", None]]]


def test_values():
    "the numbers stay what they are"
    x, rest = values("cpu")
    assert_close((x, rest), (torch.tensor([1.5, -2.0]), {"y": torch.tensor([3])}))


### BEGIN HIDDEN TESTS
def test_there_already():
    "where it is already"
    assert moved("tuple", "cpu") == ["tuple", [[2, 3], "torch.float32", "cpu"], [[2], "torch.int64", "cpu"]]
    assert_close(values("cpu")[0], torch.tensor([1.5, -2.0]))


### END HIDDEN TESTS

check("to_device", points=4)


# %% mistake="to_device" name="result-thrown-away" hint="`x.to(device)` does not move x, it returns a copy that lies there. Your copies are thrown away: build the result out of them."
def to_device(batch, device):
    if isinstance(batch, torch.Tensor):
        batch.to(device)
    elif isinstance(batch, (tuple, list)):
        for part in batch:
            to_device(part, device)
    elif isinstance(batch, dict):
        for part in batch.values():
            to_device(part, device)
    return batch


# %% mistake="to_device" name="always-a-list" hint="A tuple came back as a list. Give back the type that came in: `x, y = batch` works with both, but `isinstance(batch, tuple)` does not."
def to_device(batch, device):
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, (tuple, list)):
        return [to_device(part, device) for part in batch]
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    return batch


# %% mistake="to_device" name="one-level" hint="Only the outermost level is moved: what is nested in a tuple or a dictionary stays behind. Let the function call itself for each part."
def to_device(batch, device):
    def one(part):
        return part.to(device) if isinstance(part, torch.Tensor) else part

    if isinstance(batch, (tuple, list)):
        return type(batch)(one(part) for part in batch)
    if isinstance(batch, dict):
        return {key: one(part) for key, part in batch.items()}
    return one(batch)


# %% mistake="to_device" name="dictionaries-forgotten" hint="Tensors in a dictionary stay where they are. Treat dictionaries as well as tuples and lists."
def to_device(batch, device):
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    return batch


# %% mistake="to_device" name="keys-only" hint="A loop over a dictionary gives its keys alone. Take `batch.items()`, which gives pairs."
def to_device(batch, device):
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: to_device(value, device) for key, value in batch}
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    return batch


# %% mistake="to_device" name="everything-moved" hint="You call `.to(device)` of everything, also of names and numbers, which have no such method. Ask `isinstance(part, torch.Tensor)` first."
def to_device(batch, device):
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    return batch.to(device)


# %% variant="to_device"
def to_device(batch, device):
    kind = type(batch)
    if kind in (tuple, list):
        moved = []
        for part in batch:
            moved.append(to_device(part, device))
        return kind(moved)
    if kind is dict:
        return dict((key, to_device(part, device)) for key, part in batch.items())
    return batch.to(device, copy=True) if torch.is_tensor(batch) else batch


# %% [markdown]
# ## 3. A network
#
# **In words.** `nn.Linear` and `nn.Sequential` do what yours do. One difference: PyTorch keeps a layer's weights as
# (fan_out, fan_in), turned, a row for each neuron.
#
# **In small numbers.** `make_mlp([2, 3, 1])` is a layer of three neurons, a relu, and a layer of one neuron. It holds
# $2 \cdot 3 + 3 + 3 \cdot 1 + 1 = 13$ numbers.
#
# **In code.** Write `make_mlp`.

# %% exercise="make_mlp" minutes=5 difficulty=1
def make_mlp(sizes):
    """A network of linear layers with a ReLU between each two, and none after the last.

    sizes: a list of whole numbers, inputs first, outputs last; at least two.  Returns an nn.Sequential.
    """
    ### BEGIN SOLUTION
    layers = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
    ### END SOLUTION


# %% check="make_mlp" points=3
@inside
def answer_of(sizes, x):
    """The shapes of a network's parameters, and what it makes of x when all weights are 1/10 and all biases -1."""
    net = make_mlp(sizes)
    with torch.no_grad():
        for p in net.parameters():
            p.fill_(0.1 if p.ndim == 2 else -1.0)
        out = net(torch.tensor(x, dtype=torch.float32)).numpy()
    return [list(p.shape) for p in net.parameters()], out, isinstance(net, nn.Module)


def by_hand(sizes, x):
    """The same by hand."""
    for i, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:])):
        x = np.maximum(x, 0) if i else x
        x = x @ np.full((fan_in, fan_out), 0.1) - 1.0
    return x.astype(np.float32)


def compare(sizes, x):
    shapes, out, is_module = answer_of(sizes, x)
    wanted = [shape for m, n in zip(sizes[:-1], sizes[1:]) for shape in ([n, m], [n])]
    assert shapes == wanted, "These are the shapes of the weights (fan_out, fan_in) and biases, layer by layer."
    assert_close(out, by_hand(sizes, x), rtol=1e-4, atol=1e-5)


def test_two_layers():
    "2 inputs, 3 neurons, 1 output"
    compare([2, 3, 1], np.array([[30.0, 20.0], [-5.0, 4.0]]))


def test_no_hidden_layer():
    "inputs and outputs alone: one layer, no ReLU"
    compare([2, 2], np.array([[3.0, -4.0]]))


def test_deep():
    "four layers"
    compare([3, 50, 40, 30, 2], np.array([[300.0, 20.0, 100.0], [1.0, 1.0, 1.0]]))


### BEGIN HIDDEN TESTS
def test_digits():
    "sizes for the digits, a tuple this time"
    compare((64, 32, 16, 10), rng.uniform(0, 20, size=(5, 64)))


### END HIDDEN TESTS

check("make_mlp", points=3)


# %% mistake="make_mlp" name="relu-at-the-end" hint="There is a ReLU after the last layer, so no score can be negative. Scores should be free: leave the last one out."
def make_mlp(sizes):
    layers = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers)


# %% mistake="make_mlp" name="no-bend" hint="There is no ReLU between the layers. A stack of linear layers is one linear layer, however high it is stacked."
def make_mlp(sizes):
    return nn.Sequential(*[nn.Linear(m, n) for m, n in zip(sizes[:-1], sizes[1:])])


# %% mistake="make_mlp" name="one-bend-only" hint="Only the first layer is followed by a ReLU. Put one between every two layers."
def make_mlp(sizes):
    layers = [nn.Linear(m, n) for m, n in zip(sizes[:-1], sizes[1:])]
    if len(layers) > 1:
        layers.insert(1, nn.ReLU())
    return nn.Sequential(*layers)


# %% mistake="make_mlp" name="given-a-list" hint="If the error says that a list is no Module: nn.Sequential is given its layers one after the other. A star before the list hands them over one by one, `nn.Sequential(*layers)`."
def make_mlp(sizes):
    layers = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(layers[:-1])


# %% mistake="make_mlp" name="class-not-object" hint="nn.ReLU is a class. A layer is an object of it: nn.ReLU(), with brackets."
def make_mlp(sizes):
    layers = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU]
    return nn.Sequential(*layers[:-1])


# %% mistake="make_mlp" name="sizes-turned" hint="Your layers have inputs and outputs exchanged. nn.Linear is asked for (fan_in, fan_out), as yours was; only its weights lie turned inside."
def make_mlp(sizes):
    layers = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(fan_out, fan_in), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% mistake="make_mlp" name="no-bias" hint="Your layers have no bias. nn.Linear has one unless it is told otherwise."
def make_mlp(sizes):
    layers = []
    for m, n in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(m, n, bias=False), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% mistake="make_mlp" name="softmax-at-the-end" hint="There is a softmax at the end. PyTorch's cross_entropy takes scores and has the softmax in it: with two of them the gradients become tiny."
def make_mlp(sizes):
    layers = []
    for m, n in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(m, n), nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.Softmax(dim=1))


# %% mistake="make_mlp" name="last-layer-missing" hint="The last layer is missing: the network ends with the last hidden one. There are len(sizes) - 1 layers."
def make_mlp(sizes):
    layers = []
    for m, n in zip(sizes[:-2], sizes[1:-1]):
        layers += [nn.Linear(m, n), nn.ReLU()]
    return nn.Sequential(*layers)


# %% variant="make_mlp"
def make_mlp(sizes):
    net = nn.Sequential()
    for i in range(len(sizes) - 1):
        if i > 0:
            net.append(nn.ReLU())
        net.append(nn.Linear(sizes[i], sizes[i + 1]))
    return net


# %% [markdown]
# ## 4. A step, and a judgement
#
# **In words.** A training step is the one you know: switch to learning, forget the old gradients, compute the loss, go
# back, move. `loss.backward()` is your `backward`, and it also *adds* to what is in `.grad`; that is why one must forget.
#
# To judge, nothing is learnt: `model.eval()`, and `torch.no_grad()` so that no graph is kept, which saves memory and time.
#
# **In small numbers.** Two batches, of 3 and of 1 examples, with mean losses 0.2 and 1.0. The mean per example is
# $(3 \cdot 0.2 + 1 \cdot 1.0) / 4 = 0.4$, not 0.6.
#
# **In code.** Write `train_step` and `evaluate`. Both bring the batch to where the model is
# (`next(model.parameters()).device`), with your `to_device`. `evaluate` leaves the model as it found it: in training if it was in training.

# %% exercise="train_step" minutes=8 difficulty=2
def train_step(model, batch, loss_fn, optimiser):
    """One step of training.

    Args:
        model: an nn.Module.
        batch: a pair of tensors: inputs (B, ...) and targets (B,), on any device.
        loss_fn: a function of the model's outputs and the targets that returns a tensor of shape ().
        optimiser: a torch optimiser of the model's parameters.

    Returns:
        The loss before the step, a Python number.
    """
    ### BEGIN SOLUTION
    model.train()
    x, y = to_device(batch, next(model.parameters()).device)
    optimiser.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimiser.step()
    return loss.item()
    ### END SOLUTION


# %% check="train_step" points=5
@inside
def steps(batches, lr, spoil=False):
    """Train w (2 numbers, from 1 and -1) to give y from x by squared error; losses, weights, and what was noticed."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor([1.0, -1.0]))
            self.modes = []

        def forward(self, x):
            self.modes.append(self.training)
            return x @ self.w

    net = Net()
    net.eval()
    optimiser = torch.optim.SGD(net.parameters(), lr=lr)
    if spoil:
        net.w.grad = torch.tensor([100.0, 100.0])
    losses = []
    for x, y in batches:
        batch = torch.tensor(x), torch.tensor(y)
        losses.append(train_step(net, batch, nn.MSELoss(), optimiser))
        same = np.array_equal(batch[0], x) and np.array_equal(batch[1], y)
        assert same, "train_step changed the batch that it was given."
    kinds = [type(loss).__name__ for loss in losses]
    gradient = None if net.w.grad is None else net.w.grad.numpy()
    return [float(loss) for loss in losses], net.w.detach().numpy(), net.modes, kinds, gradient


def by_formula(batches, lr):
    w, losses = np.array([1.0, -1.0]), []
    for x, y in batches:
        error = x @ w - y
        losses.append(float(np.mean(error**2)))
        w = w - lr * 2 * x.T @ error / len(y)
    return losses, w.astype(np.float32)


def single(x, y):
    return [(np.array(x, dtype=np.float32), np.array(y, dtype=np.float32))]


def test_one_step():
    "one step by hand: the loss before it, and the weights after it"
    losses, w, modes, kinds, gradient = steps(single([[1.0, 0.0], [0.0, 2.0]], [2.0, 0.0]), 0.1)
    assert_close(losses, [2.5], rtol=1e-5, name="the loss")
    assert_close(w, np.array([1.1, -0.6], dtype=np.float32), rtol=1e-5, name="the weights")


def test_old_gradients():
    "old gradients are forgotten"
    losses, w, modes, kinds, gradient = steps(single([[1.0, 0.0], [0.0, 2.0]], [2.0, 0.0]), 0.1, spoil=True)
    assert_close(losses, [2.5], rtol=1e-5, name="the loss")
    assert_close(w, np.array([1.1, -0.6], dtype=np.float32), rtol=1e-5, name="the weights")


def test_two_steps():
    "two steps, one after the other"
    batches = single([[1.0, 2.0]], [1.0]) + single([[3.0, 1.0]], [0.5])
    losses, w, modes, kinds, gradient = steps(batches, 0.05)
    assert_close((losses, w), by_formula(batches, 0.05), rtol=1e-5)


def test_mode_and_type():
    "the model is learning, and the loss is a plain number"
    losses, w, modes, kinds, gradient = steps(single([[1.0, 0.0]], [0.0]), 0.1)
    assert modes == [True], "The model computed while it was answering: call model.train() first."
    assert kinds == ["float"], "Return a Python number (loss.item()): a tensor would keep its whole graph in memory."
    assert_close(losses, [1.0])


### BEGIN HIDDEN TESTS
def test_random():
    "five random batches"
    batches = [(rng.normal(size=(4, 2)).astype(np.float32), rng.normal(size=4).astype(np.float32)) for _ in range(5)]
    losses, w, modes, kinds, gradient = steps(batches, 0.03)
    expected, v = by_formula(batches, 0.03)
    assert_close((losses, w), (expected, v), rtol=1e-4, atol=1e-6)


### END HIDDEN TESTS

check("train_step", points=5)


# %% mistake="train_step" name="gradients-kept" hint="The old gradients are still there, and backward adds to them. Call optimiser.zero_grad() before it."
def train_step(model, batch, loss_fn, optimiser):
    model.train()
    x, y = to_device(batch, next(model.parameters()).device)
    loss = loss_fn(model(x), y)
    loss.backward()
    optimiser.step()
    return loss.item()


# %% mistake="train_step" name="forgotten-too-late" hint="You forget the gradients after backward and before the step, so the step has nothing to go by. Forget first, then go back, then step."
def train_step(model, batch, loss_fn, optimiser):
    model.train()
    x, y = to_device(batch, next(model.parameters()).device)
    loss = loss_fn(model(x), y)
    loss.backward()
    optimiser.zero_grad()
    optimiser.step()
    return loss.item()


# %% mistake="train_step" name="forgotten-afterwards" hint="You forget the gradients after the step. What was there before the first step then counts in it. Forget first, then go back, then step."
def train_step(model, batch, loss_fn, optimiser):
    model.train()
    x, y = to_device(batch, next(model.parameters()).device)
    loss = loss_fn(model(x), y)
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()
    return loss.item()


# %% mistake="train_step" name="no-step" hint="The gradients are there, but nothing moves: optimiser.step() is missing."
def train_step(model, batch, loss_fn, optimiser):
    model.train()
    x, y = to_device(batch, next(model.parameters()).device)
    optimiser.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    return loss.item()


# %% mistake="train_step" name="answering" hint="The model stays in the mode in which it was, here answering. Call model.train(): dropout and batch normalisation depend on it."
def train_step(model, batch, loss_fn, optimiser):
    x, y = to_device(batch, next(model.parameters()).device)
    optimiser.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimiser.step()
    return loss.item()


# %% mistake="train_step" name="tensor-returned" hint="You return the loss as a tensor. It holds on to its whole graph: collect a thousand of them and the memory is full. Return loss.item()."
def train_step(model, batch, loss_fn, optimiser):
    model.train()
    x, y = to_device(batch, next(model.parameters()).device)
    optimiser.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimiser.step()
    return loss


# %% mistake="train_step" name="no-graph" hint="The outputs were computed under torch.no_grad(), so there is no graph to go back through. That belongs into evaluate; a training step needs the graph."
def train_step(model, batch, loss_fn, optimiser):
    model.train()
    x, y = to_device(batch, next(model.parameters()).device)
    optimiser.zero_grad()
    with torch.no_grad():
        loss = loss_fn(model(x), y)
    loss.backward()
    optimiser.step()
    return loss.item()


# %% mistake="train_step" name="loss-after" hint="You return the loss AFTER the step, and compute everything twice for it. Return the one from which the gradients came."
def train_step(model, batch, loss_fn, optimiser):
    model.train()
    x, y = to_device(batch, next(model.parameters()).device)
    optimiser.zero_grad()
    loss_fn(model(x), y).backward()
    optimiser.step()
    return loss_fn(model(x), y).item()


# %% variant="train_step"
def train_step(model, batch, loss_fn, optimiser):
    model.train()
    where = next(model.parameters()).device
    x, y = (part.to(where) for part in batch)
    loss = loss_fn(model(x), y)
    for p in model.parameters():
        p.grad = None
    loss.backward()
    optimiser.step()
    return float(loss.detach())


# %% exercise="evaluate" minutes=10 difficulty=2
def evaluate(model, loader):
    """Mean cross-entropy and accuracy of a classifier.

    Args:
        model: an nn.Module that maps inputs (B, ...) to scores (B, C).
        loader: batches (inputs, classes (B,)), such as a DataLoader; the last one may be smaller.

    Returns:
        (loss, accuracy): Python numbers, the mean over all examples.
    """
    ### BEGIN SOLUTION
    was_training, where = model.training, next(model.parameters()).device
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for batch in loader:
            x, y = to_device(batch, where)
            scores = model(x)
            total += nn.functional.cross_entropy(scores, y, reduction="sum").item()
            right += (scores.argmax(dim=1) == y).sum().item()
            count += len(y)
    model.train(was_training)
    return total / count, right / count
    ### END SOLUTION


# %% check="evaluate" points=5
@inside
def judged(scores, classes, sizes, training=False):
    """evaluate() of a network that answers with these scores, in batches of these sizes, and what was noticed."""

    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.scores = nn.Parameter(torch.tensor(scores, dtype=torch.float32))
            self.modes, self.graphs = [], []

        def forward(self, rows):
            self.modes.append(self.training)
            out = self.scores[rows]
            self.graphs.append(out.requires_grad)
            return out

    net, loader, start = Table(), [], 0
    net.train(training)
    for size in sizes:
        rows = torch.arange(start, start + size)
        loader.append((rows, torch.tensor(classes)[rows]))
        start += size
    before = copy.deepcopy(loader)
    loss, accuracy = evaluate(net, loader)
    same = all(torch.equal(a, b) for one, other in zip(loader, before) for a, b in zip(one, other))
    assert same, "evaluate changed the batches that it was given."
    return float(loss), float(accuracy), net.modes, net.graphs, net.training


def truth(scores, classes):
    scores = np.asarray(scores, dtype=float)
    own = scores[np.arange(len(classes)), classes]
    loss = np.mean(np.logaddexp.reduce(scores, axis=1) - own)
    return float(loss), float(np.mean(scores.argmax(axis=1) == classes))


SCORES = np.array([[0.0, np.log(3.0)], [2.0, 0.0], [0.0, 0.0], [1.0, 5.0]])
RIGHT = np.array([1, 0, 1, 0])


def test_one_batch():
    "four examples in one batch"
    loss, accuracy, *rest = judged(SCORES, RIGHT, [4])
    assert_close(loss, truth(SCORES, RIGHT)[0], rtol=1e-5, name="the loss")
    assert_close(accuracy, truth(SCORES, RIGHT)[1], rtol=1e-5, name="the accuracy")


def test_smaller_last():
    "a batch of three and one of one: the mean per example"
    loss, accuracy, *rest = judged(SCORES, RIGHT, [3, 1])
    assert_close(loss, truth(SCORES, RIGHT)[0], rtol=1e-5, name="the loss")
    assert_close(accuracy, truth(SCORES, RIGHT)[1], rtol=1e-5, name="the accuracy")


def test_answering():
    "it answers, keeps no graph, and is left as it was found: learning"
    loss, accuracy, modes, graphs, after = judged(SCORES, RIGHT, [2, 2], training=True)
    assert modes == [False, False], "The model computed while it was learning: call model.eval() first."
    assert graphs == [False, False], "A graph was kept for the way back: use torch.no_grad()."
    assert after, "The model was learning before, and is not any more: put back what model.training was."
    assert_close(loss, truth(SCORES, RIGHT)[0], rtol=1e-5)


def test_left_answering():
    "a model that was answering is left answering"
    loss, accuracy, modes, graphs, after = judged(SCORES, RIGHT, [1, 3])
    assert not after, "The model was answering before, and is learning now: put back what model.training was."
    assert_close(accuracy, truth(SCORES, RIGHT)[1])


### BEGIN HIDDEN TESTS
def test_random():
    "random scores of five classes, in batches of 7, 7 and 3"
    scores, classes = rng.normal(size=(17, 5)), rng.integers(0, 5, size=17)
    loss, accuracy, *rest = judged(scores, classes, [7, 7, 3])
    assert_close((loss, accuracy), truth(scores, classes), rtol=1e-4)


### END HIDDEN TESTS

check("evaluate", points=5)


# %% mistake="evaluate" name="mean-of-batches" hint="You took the mean of the batches' means, so that the examples of a small batch count more. Add up over all examples, and divide by their number."
def evaluate(model, loader):
    was_training, where = model.training, next(model.parameters()).device
    model.eval()
    losses, rights = [], []
    with torch.no_grad():
        for batch in loader:
            x, y = to_device(batch, where)
            scores = model(x)
            losses.append(nn.functional.cross_entropy(scores, y).item())
            rights.append((scores.argmax(dim=1) == y).float().mean().item())
    model.train(was_training)
    return sum(losses) / len(losses), sum(rights) / len(rights)


# %% mistake="evaluate" name="counted" hint="The second number is how MANY are right. It should be their share: divide by the number of all examples."
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    loss, right, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            scores = model(x)
            loss += nn.functional.cross_entropy(scores, y).item() * len(y)
            right += (scores.argmax(dim=1) == y).sum().item()
            count += len(y)
    model.train(was_training)
    return loss / count, right


# %% mistake="evaluate" name="best-example-of-a-class" hint="`argmax(dim=0)` asks for each class which EXAMPLE has the highest score. The answer of an example is its best class: dim=1."
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    loss, right, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            scores = model(x)
            loss += nn.functional.cross_entropy(scores, y).item() * len(y)
            right += (scores.argmax(dim=0) == y).sum().item()
            count += len(y)
    model.train(was_training)
    return loss / count, right / count


# %% mistake="evaluate" name="still-learning" hint="The model is judged while it is learning, with dropout switched on. Call model.eval() first."
def evaluate(model, loader):
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            scores = model(x)
            total += nn.functional.cross_entropy(scores, y, reduction="sum").item()
            right += (scores.argmax(dim=1) == y).sum().item()
            count += len(y)
    return total / count, right / count


# %% mistake="evaluate" name="graph-kept" hint="Each answer keeps a graph for a way back that nobody will go. Put the loop under torch.no_grad()."
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    total, right, count = 0.0, 0, 0
    for x, y in loader:
        scores = model(x)
        total += nn.functional.cross_entropy(scores, y, reduction="sum").item()
        right += (scores.argmax(dim=1) == y).sum().item()
        count += len(y)
    model.train(was_training)
    return total / count, right / count


# %% mistake="evaluate" name="left-answering" hint="After you have judged it, the model stays in eval mode, and the training that goes on has no dropout. Put back what model.training was before."
def evaluate(model, loader):
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            scores = model(x)
            total += nn.functional.cross_entropy(scores, y, reduction="sum").item()
            right += (scores.argmax(dim=1) == y).sum().item()
            count += len(y)
    return total / count, right / count


# %% mistake="evaluate" name="always-back-to-training" hint="You end with model.train() in any case. A model that was answering before should be answering afterwards."
def evaluate(model, loader):
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            scores = model(x)
            total += nn.functional.cross_entropy(scores, y, reduction="sum").item()
            right += (scores.argmax(dim=1) == y).sum().item()
            count += len(y)
    model.train()
    return total / count, right / count


# %% mistake="evaluate" name="last-batch-only" hint="Only the last batch counts: the sums start anew in each. Set them to zero once, before the loop."
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for x, y in loader:
            scores = model(x)
            loss = nn.functional.cross_entropy(scores, y).item()
            accuracy = (scores.argmax(dim=1) == y).float().mean().item()
    model.train(was_training)
    return loss, accuracy


# %% mistake="evaluate" name="softmax-twice" hint="PyTorch's cross_entropy takes scores. You gave it probabilities, so the softmax is taken twice, and the loss can neither become small nor large."
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            p = model(x).softmax(dim=1)
            total += nn.functional.cross_entropy(p, y, reduction="sum").item()
            right += (p.argmax(dim=1) == y).sum().item()
            count += len(y)
    model.train(was_training)
    return total / count, right / count


# %% variant="evaluate"
@torch.no_grad()
def evaluate(model, loader):
    mode = model.training
    model.eval()
    losses, rights = [], []
    for x, y in loader:
        log_p = model(x.to(next(model.parameters()).device)).log_softmax(dim=-1).cpu()
        losses.append(-log_p[torch.arange(len(y)), y])
        rights.append(log_p.max(dim=-1).indices == y)
    model.train(mode)
    return float(torch.cat(losses).mean()), float(torch.cat(rights).double().mean())


# %% [markdown]
# ### See it: your loop at work
#
# Your dataset, your network, your steps, your judgement, six epochs over the digits. Try a batch of 8 and one of 512: the same
# number of epochs, but how many steps? Try a learning rate of 10: the loss leaves the picture.

# %%
def loaders(batch_size, seed=0):
    """Batches to learn from, shuffled the same way each time, and batches to judge by."""
    order = torch.Generator().manual_seed(seed)
    train = DataLoader(DigitsDataset(train_images, train_labels), batch_size, shuffle=True, generator=order)
    return train, DataLoader(DigitsDataset(test_images, test_labels), 256)


def new_net(width=32, seed=0):
    """A network with one hidden layer, the same each time, on the device."""
    torch.manual_seed(seed)
    return make_mlp([64, width, 10]).to(device)


@functools.lru_cache(maxsize=50)
def learn(batch_size, lr, width, epochs=6):
    """Losses of all steps, and the accuracy on the test pictures after each epoch."""
    net, (train, test) = new_net(width), loaders(batch_size)
    optimiser = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    losses, accuracies = [], []
    for _ in range(epochs):
        losses += [train_step(net, batch, nn.functional.cross_entropy, optimiser) for batch in train]
        accuracies.append(evaluate(net, test)[1])
    return losses, accuracies


def loop(batch_size, lr, width):
    """The loss of every step, and the accuracy after every epoch, of your own training loop."""
    losses, accuracies = learn(batch_size, lr, width)
    figure, axes = plot.figure(2, height=3.0)
    axes[0].plot(losses, lw=1)
    axes[0].set(xlabel="step", ylabel="loss", ylim=(0, 3), title=f"{len(losses)} steps")
    axes[1].plot(range(1, len(accuracies) + 1), accuracies, "o-")
    axes[1].set(xlabel="epoch", ylabel="right on test pictures", ylim=(0, 1.02), title=f"{accuracies[-1]:.3f} at the end")
    return figure


explore(
    loop,
    batch_size=choice([8, 32, 128, 512], 32, label="batch size"),
    lr=slider(0.1, 0.001, 10.0, 0.5, "learning rate", log=True),
    width=choice([4, 16, 32, 128], 32, label="neurons"),
)

# %% [markdown]
# **Question 1 (2 points).** `loss.backward()` *adds* to the gradients instead of replacing them. It seems that this only
# makes trouble: one has to forget them by hand in every step. Give a reason why it must be so inside one backward pass,
# and a use of it across several.

# %% [markdown] question="why-add" points=2
# Inside one pass: a weight, or any intermediate result, can be used in several places, and the gradient is the sum of what
# comes back from all of them. Replacing would keep only the last. Across passes: a batch that does not fit into memory can be
# split, each part sent forward and backward by itself, and the gradients add up to those of the whole batch, before one step
# is taken. Another use is a loss of several parts, such as a penalty that is sent back by itself.

# %% [markdown]
# ## 5. When the plug is pulled
#
# **In words.** Long training is interrupted: a Colab session ends, a notebook is closed, the power fails. So write down now
# and then all that is needed to go on *as if nothing had happened*. That is more than the weights:
#
# - the model's state, `model.state_dict()`;
# - the optimiser's state: velocities, Adam's averages and its step count. Without them the first steps after the break jump;
# - the epoch;
# - the state of the dice, `torch.get_rng_state()`, or else dropout and shuffling go another way.
#
# And the plug can be pulled *while you write*. Then the old checkpoint is already gone, and the new one is half a file. So write to
# another name beside it, and when the file is whole give it its name, `os.replace(temporary, path)`: the system does that
# in one go.
#
# **In small numbers.** A run of 6 epochs that is interrupted after 4 and taken up again must give the same losses for
# epochs 5 and 6 as one that was never interrupted, to the last digit.
#
# **In code.** Write both functions. `torch.save(things, name)` writes a dictionary of such states to a file. Back they go
# with `model.load_state_dict(state)`, `optimiser.load_state_dict(state)` and `torch.set_rng_state(state)`. Read with `torch.load(path, map_location="cpu", weights_only=True)`: a file of the full format can
# hold code that runs when it is read, and `weights_only` refuses that. Checkpoints from the internet should never be
# read in any other way.

# %% exercise="checkpoints" minutes=12 difficulty=2
def save_checkpoint(path, model, optimiser, epoch):
    """Write all that is needed to go on after `epoch` epochs, whole or not at all.

    path: the file's name; what stands there is replaced only when the new file is whole.
    """
    ### BEGIN SOLUTION
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "epoch": epoch,
        "dice": torch.get_rng_state(),
    }
    temporary = f"{path}.part"
    torch.save(state, temporary)
    os.replace(temporary, path)
    ### END SOLUTION


def load_checkpoint(path, model, optimiser):
    """Put model, optimiser and torch's dice back as they were when `path` was written; return the epoch."""
    ### BEGIN SOLUTION
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    torch.set_rng_state(state["dice"])
    return state["epoch"]
    ### END SOLUTION


# %% check="checkpoints" points=6
@inside
def interrupted(kind, steps, at, p=0.0):
    """Losses of `steps` steps in one go, and of a run that was interrupted after `at` of them; and the epoch read."""

    def fresh():
        net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(p), nn.Linear(4, 1))
        with torch.no_grad():
            for i, q in enumerate(net.parameters()):
                q.copy_(torch.linspace(-1, 1, q.numel()).reshape(q.shape) * (i + 1) / 4)
        make = {"sgd": torch.optim.SGD, "momentum": torch.optim.SGD, "adam": torch.optim.Adam}[kind]
        more = {"momentum": 0.9} if kind == "momentum" else {}
        return net, make(net.parameters(), lr=0.02, **more)

    x = torch.tensor([[1.0, 2.0, -1.0], [0.5, -1.0, 2.0]])

    def go(net, optimiser, count):
        losses = []
        for _ in range(count):
            optimiser.zero_grad()
            loss = ((net(x) - 1.0) ** 2).mean()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        return losses

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.pt")
        torch.manual_seed(3)
        whole = go(*fresh(), steps)
        torch.manual_seed(3)
        net, optimiser = fresh()
        parts = go(net, optimiser, at)
        save_checkpoint(path, net, optimiser, at)
        torch.manual_seed(99)
        go(net, optimiser, 2)  # what is written must not change with the model
        net, optimiser = fresh()
        try:
            epoch = load_checkpoint(path, net, optimiser)
        except pickle.UnpicklingError as refused:
            raise AssertionError(
                "torch.load refuses your file, rightly: there is more in it than tensors, numbers and names. Write the states, "
                "model.state_dict() and optimiser.state_dict(), not the objects themselves."
            ) from refused
        parts += go(net, optimiser, steps - at)
        left = sorted(os.listdir(folder))
    return whole, parts, epoch, left


@inside
def plug_pulled():
    """A second save breaks off half-way: what the file then says, and what lies beside it."""
    net = nn.Linear(2, 1)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.pt")
        with torch.no_grad():
            net.weight.fill_(5.0)
        save_checkpoint(path, net, optimiser, 1)
        with torch.no_grad():
            net.weight.fill_(7.0)
        real = torch.save

        def breaks(state, file, *args, **kwargs):
            if hasattr(file, "write"):
                file.write(b"half a file")
            else:
                Path(file).write_bytes(b"half a file")
            raise OSError("the plug was pulled")

        torch.save, broken = breaks, False
        try:
            save_checkpoint(path, net, optimiser, 2)
        except OSError:
            broken = True
        finally:
            torch.save = real
        with torch.no_grad():
            net.weight.fill_(0.0)
        try:
            epoch = load_checkpoint(path, net, optimiser)
        except Exception as error:
            return broken, type(error).__name__, net.weight.detach().numpy()
    return broken, epoch, net.weight.detach().numpy()


def test_weights():
    "weights and epoch, plain descent"
    whole, parts, epoch, left = interrupted("sgd", 6, 4)
    assert_close(parts, whole, name="the losses")
    assert_close(epoch, 4, name="the epoch")


def test_momentum():
    "an optimiser with a velocity goes on as if nothing had happened"
    whole, parts, epoch, left = interrupted("momentum", 8, 5)
    assert_close(parts, whole, name="the losses")
    assert_close(epoch, 5, name="the epoch")


def test_adam():
    "Adam, whose steps are counted"
    whole, parts, epoch, left = interrupted("adam", 7, 3)
    assert_close(parts, whole, name="the losses")
    assert_close(epoch, 3, name="the epoch")


def test_dice():
    "dropout goes on with the same dice"
    whole, parts, epoch, left = interrupted("sgd", 9, 4, p=0.5)
    assert_close(parts, whole, name="the losses")
    assert_close(epoch, 4, name="the epoch")


def test_plug():
    "the plug is pulled while writing: the old checkpoint is still there, whole"
    broken, epoch, weight = plug_pulled()
    assert broken, "The error of a failed write should not be hidden: whoever trains must know."
    assert epoch == 1, "The old checkpoint, of epoch 1, should still be there and be read."
    assert_close(weight, np.full((1, 2), 5.0, dtype=np.float32), name="the weights")


def test_nothing_left():
    "one file, and nothing beside it"
    whole, parts, epoch, left = interrupted("sgd", 3, 2)
    assert left == ["net.pt"], "Something was left lying beside the checkpoint."
    assert_close(parts, whole, name="the losses")
    assert_close(epoch, 2, name="the epoch")


### BEGIN HIDDEN TESTS
def test_adam_and_dice():
    "Adam and dropout, another length"
    whole, parts, epoch, left = interrupted("adam", 12, 7, p=0.3)
    assert_close(parts, whole, name="the losses")
    assert_close(epoch, 7, name="the epoch")


### END HIDDEN TESTS

check("checkpoints", points=6)


# %% mistake="checkpoints" name="weights-only-kept" hint="Only the weights are kept. The optimiser has a memory too, velocities and averages: keep optimiser.state_dict() as well, or the first steps after the break go another way."
def save_checkpoint(path, model, optimiser, epoch):
    state = {"model": model.state_dict(), "epoch": epoch, "dice": torch.get_rng_state()}
    torch.save(state, f"{path}.part")
    os.replace(f"{path}.part", path)


def load_checkpoint(path, model, optimiser):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    torch.set_rng_state(state["dice"])
    return state["epoch"]


# %% mistake="checkpoints" name="dice-forgotten" hint="After the break dropout throws other dice. Keep torch.get_rng_state(), and put it back with torch.set_rng_state."
def save_checkpoint(path, model, optimiser, epoch):
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epoch": epoch}
    torch.save(state, f"{path}.part")
    os.replace(f"{path}.part", path)


def load_checkpoint(path, model, optimiser):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return state["epoch"]


# %% mistake="checkpoints" name="written-in-place" hint="You write straight over the old checkpoint. If the plug is pulled in the middle, the old one is gone and the new one is half a file. Write to another name, then os.replace."
def save_checkpoint(path, model, optimiser, epoch):
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epoch": epoch, "dice": torch.get_rng_state()}
    torch.save(state, path)


# %% mistake="checkpoints" name="deleted-first" hint="You delete the old checkpoint before the new one is written. If writing fails there is none at all. os.replace takes the old one's place in one go, when the new one is whole."
def save_checkpoint(path, model, optimiser, epoch):
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epoch": epoch, "dice": torch.get_rng_state()}
    if os.path.exists(path):
        os.remove(path)
    torch.save(state, f"{path}.part")
    os.rename(f"{path}.part", path)


# %% mistake="checkpoints" name="copied-not-renamed" hint="The file under the other name stays behind: you copied it instead of giving it its name. os.replace does that."
def save_checkpoint(path, model, optimiser, epoch):
    import shutil

    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epoch": epoch, "dice": torch.get_rng_state()}
    torch.save(state, f"{path}.part")
    shutil.copy(f"{path}.part", path)


# %% mistake="checkpoints" name="not-loaded-into-the-model" hint="The file is read, but nothing is put back: the model that was handed in keeps its fresh weights. Call load_state_dict of the model and of the optimiser."
def load_checkpoint(path, model, optimiser):
    state = torch.load(path, map_location="cpu", weights_only=True)
    torch.set_rng_state(state["dice"])
    return state["epoch"]


# %% mistake="checkpoints" name="no-epoch" hint="load_checkpoint ends without a return. It should give the epoch back, so that whoever trains knows where to go on."
def load_checkpoint(path, model, optimiser):
    things = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(things["model"])
    optimiser.load_state_dict(things["optimiser"])
    torch.set_rng_state(things["dice"])


# %% mistake="checkpoints" name="epoch-plus-one" hint="The epoch that comes back is one too large. Give back the number that was handed to save_checkpoint."
def load_checkpoint(path, model, optimiser):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    torch.set_rng_state(state["dice"])
    return state["epoch"] + 1


# %% variant="checkpoints"
def save_checkpoint(path, model, optimiser, epoch):
    number, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)))
    try:
        with os.fdopen(number, "wb") as file:
            torch.save([model.state_dict(), optimiser.state_dict(), epoch, torch.get_rng_state()], file)
        os.replace(temporary, path)
    except BaseException:
        os.remove(temporary)
        raise


def load_checkpoint(path, model, optimiser):
    with open(path, "rb") as file:
        weights, memory, epoch, dice = torch.load(file, weights_only=True)
    model.load_state_dict(weights)
    optimiser.load_state_dict(memory)
    torch.random.set_rng_state(dice)
    return epoch


# %% [markdown]
# ### See it: pull the plug yourself
#
# The grey line is a run that was never interrupted. The blue one is interrupted after the epoch that you choose, everything is thrown
# away, and **your** checkpoint takes it up again in a new network. If your checkpoint is complete the two lines are one. Leave the
# optimiser out, and see what happens.

# %%
@functools.lru_cache(maxsize=20)
def with_break(at, epochs=8):
    """Losses epoch by epoch, interrupted after `at` epochs (not at all if at is 0)."""

    def fresh():
        net = nn.Sequential(*make_mlp([64, 32, 10])[:2], nn.Dropout(0.3), nn.Linear(32, 10))
        return net, torch.optim.Adam(net.parameters(), lr=0.01)

    data = DigitsDataset(train_images[:300], train_labels[:300])
    torch.manual_seed(5)
    (net, optimiser), losses = fresh(), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.pt"
        for epoch in range(1, epochs + 1):
            order = DataLoader(data, 50, shuffle=True, generator=torch.Generator().manual_seed(epoch))
            losses.append(np.mean([train_step(net, batch, nn.functional.cross_entropy, optimiser) for batch in order]))
            if epoch == at:
                save_checkpoint(path, net, optimiser, epoch)
                torch.manual_seed(99)
                net, optimiser = fresh()
                load_checkpoint(path, net, optimiser)
    return losses


def plug(at):
    """A run that was interrupted and taken up again from your checkpoint, beside one that was not."""
    whole, parts = with_break(0), with_break(at)
    figure, axes = plot.figure(height=3.0)
    axes.plot(range(1, len(whole) + 1), whole, color="lightgrey", lw=7, label="never interrupted")
    axes.plot(range(1, at + 1), parts[:at], color=plot.BLUE, label="before the break")
    axes.plot(range(at, len(parts) + 1), parts[at - 1 :], color=plot.VERMILION, label="after it")
    axes.axvline(at, color="black", ls=":")
    axes.set(xlabel="epoch", ylabel="mean loss", title=f"largest difference: {np.abs(np.subtract(whole, parts)).max():.1e}")
    axes.legend()
    return figure


explore(plug, at=slider(4, 1, 7, label="interrupted after epoch"))

# %% [markdown]
# ## 6. A batch that does not fit
#
# **In words.** A large batch may not fit into a GPU's memory. Cut it into small ones, send each forward and backward, and let the
# gradients add up. Then take *one* step. The result is the step that the large batch would have led to.
#
# The loss is a mean over examples, so a part of $n_k$ examples out of $n$ counts with the weight $n_k / n$.
#
# **In small numbers.** Parts of 3 and 1 examples with mean losses 0.2 and 1.0. The mean of all four is
# $\tfrac34 \cdot 0.2 + \tfrac14 \cdot 1.0 = 0.4$, and the gradients add up with the same weights.
#
# **In code.** Write `accumulate_gradients`. Never put all parts together: the model sees one part at a time.

# %% exercise="accumulate_gradients" minutes=10 difficulty=3
def accumulate_gradients(model, parts, loss_fn, optimiser):
    """One step of training from a batch in parts: the same step as from the whole batch.

    Args:
        model: an nn.Module.
        parts: a list of pairs (inputs, targets), perhaps of different sizes.
        loss_fn: gives the mean loss over the examples of a part, a tensor of shape ().
        optimiser: a torch optimiser of the model's parameters.

    Returns:
        The mean loss over all examples, before the step, a Python number.
    """
    ### BEGIN SOLUTION
    model.train()
    where = next(model.parameters()).device
    count, total = sum(len(y) for _, y in parts), 0.0
    optimiser.zero_grad()
    for part in parts:
        x, y = to_device(part, where)
        loss = loss_fn(model(x), y) * (len(y) / count)
        loss.backward()
        total += loss.item()
    optimiser.step()
    return total
    ### END SOLUTION


# %% check="accumulate_gradients" points=5
@inside
def in_parts(x, y, sizes, lr, rounds=1):
    """Train w from parts of these sizes; losses, w, the sizes that the model saw, how many steps were taken, in what
    order the model was gone through, and the losses' types."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor([1.0, -1.0], dtype=torch.float64))
            self.sizes, self.order = [], []

        def forward(self, rows):
            self.sizes.append(len(rows))
            self.order.append("forward")
            out = rows @ self.w
            if out.requires_grad:
                out.register_hook(lambda grad: self.order.append("back"))
            return out

    class Counting(torch.optim.SGD):
        count = 0

        def step(self, *args, **kwargs):
            self.count += 1
            return super().step(*args, **kwargs)

    net = Net()
    optimiser = Counting(net.parameters(), lr=lr)
    net.w.grad = torch.tensor([50.0, 50.0], dtype=torch.float64)
    parts = list(zip(torch.tensor(x).split(sizes), torch.tensor(y).split(sizes)))
    losses = [accumulate_gradients(net, parts, nn.MSELoss(), optimiser) for _ in range(rounds)]
    same = np.array_equal(torch.cat([rows for rows, _ in parts]), x)
    assert same, "accumulate_gradients changed the parts that it was given."
    kinds = [type(loss).__name__ for loss in losses]
    return [float(loss) for loss in losses], net.w.detach().numpy(), net.sizes, optimiser.count, net.order, kinds


def whole_batch(x, y, lr, rounds=1):
    w, losses = np.array([1.0, -1.0]), []
    for _ in range(rounds):
        error = x @ w - y
        losses.append(float(np.mean(error**2)))
        w = w - lr * 2 * x.T @ error / len(y)
    return losses, w


XS, YS = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [2.0, -1.0]]), np.array([2.0, 0.0, 1.0, 0.0])


def test_equal_parts():
    "two parts of two examples"
    losses, w, sizes, count, order, kinds = in_parts(XS, YS, [2, 2], 0.1)
    assert_close(w, whole_batch(XS, YS, 0.1)[1], name="the weights")
    assert_close(losses, whole_batch(XS, YS, 0.1)[0], name="the loss")


def test_unequal_parts():
    "a part of three and one of one"
    losses, w, sizes, count, order, kinds = in_parts(XS, YS, [3, 1], 0.1)
    assert_close(w, whole_batch(XS, YS, 0.1)[1], name="the weights")
    assert_close(losses, whole_batch(XS, YS, 0.1)[0], name="the loss")


def test_one_step():
    "one step for all parts, and one part at a time"
    losses, w, sizes, count, order, kinds = in_parts(XS, YS, [1, 1, 2], 0.1)
    assert count == 1, "There should be one step, after the last part."
    assert sizes == [1, 1, 2], "The model should see one part at a time, each once."
    assert_close(losses, whole_batch(XS, YS, 0.1)[0], name="the loss")


def test_memory():
    "each part goes back before the next goes forward; the loss is a plain number"
    losses, w, sizes, count, order, kinds = in_parts(XS, YS, [1, 3], 0.1)
    full = "Call backward for each part before the next one goes forward: else the graphs of all are in memory at once."
    assert order == ["forward", "back", "forward", "back"], full
    assert kinds == ["float"], "Return a Python number (loss.item()): a tensor would keep its whole graph in memory."
    assert_close(losses, whole_batch(XS, YS, 0.1)[0], name="the loss")


def test_again():
    "the next batch starts with no gradient"
    losses, w, sizes, count, order, kinds = in_parts(XS, YS, [2, 2], 0.05, rounds=3)
    assert_close((losses, w), whole_batch(XS, YS, 0.05, 3))


### BEGIN HIDDEN TESTS
def test_random():
    "eleven random examples in parts of 4, 4 and 3, two rounds"
    x, y = rng.normal(size=(11, 2)), rng.normal(size=11)
    losses, w, sizes, count, order, kinds = in_parts(x, y, [4, 4, 3], 0.05, rounds=2)
    assert_close((losses, w), whole_batch(x, y, 0.05, 2))


### END HIDDEN TESTS

check("accumulate_gradients", points=5)


# %% mistake="accumulate_gradients" name="not-weighted" hint="The parts' gradients are added without weights, so two parts give a gradient twice as large as the whole batch. Each part counts with its share of the examples, n_k / n."
def accumulate_gradients(model, parts, loss_fn, optimiser):
    model.train()
    total, count = 0.0, 0
    optimiser.zero_grad()
    for x, y in parts:
        loss = loss_fn(model(x), y)
        loss.backward()
        total += loss.item() * len(y)
        count += len(y)
    optimiser.step()
    return total / count


# %% mistake="accumulate_gradients" name="equal-weights" hint="Every part has the same weight, 1 / number of parts. That is right only if all are equally large: weigh with n_k / n."
def accumulate_gradients(model, parts, loss_fn, optimiser):
    model.train()
    total = 0.0
    optimiser.zero_grad()
    for x, y in parts:
        loss = loss_fn(model(x), y) / len(parts)
        loss.backward()
        total += loss.item()
    optimiser.step()
    return total


# %% mistake="accumulate_gradients" name="one-way-back" hint="The step is right, but you add up the losses and go back once, at the end. Until then the graphs of all parts are in memory, which is what was to be avoided. Call backward for each part: the gradients add up by themselves."
def accumulate_gradients(model, parts, loss_fn, optimiser):
    model.train()
    count, total = sum(len(y) for _, y in parts), 0.0
    optimiser.zero_grad()
    for x, y in parts:
        total = total + loss_fn(model(x), y) * (len(y) / count)
    total.backward()
    optimiser.step()
    return total.item()


# %% mistake="accumulate_gradients" name="pairs-counted" hint="`len(part)` is 2, for a part is a pair. The number of its examples is the length of its targets."
def accumulate_gradients(model, parts, loss_fn, optimiser):
    model.train()
    count, total = sum(len(part) for part in parts), 0.0
    optimiser.zero_grad()
    for x, y in parts:
        loss = loss_fn(model(x), y) * (len(y) / count)
        loss.backward()
        total += loss.item()
    optimiser.step()
    return total


# %% mistake="accumulate_gradients" name="step-for-each" hint="You take a step after each part. Then it is ordinary training with small batches. One step, after the last part."
def accumulate_gradients(model, parts, loss_fn, optimiser):
    model.train()
    count, total = sum(len(y) for _, y in parts), 0.0
    optimiser.zero_grad()
    for x, y in parts:
        loss = loss_fn(model(x), y) * (len(y) / count)
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total


# %% mistake="accumulate_gradients" name="forgotten-in-the-loop" hint="You forget the gradients before each part, so only the last part's are left when the step comes. Forget once, before the first."
def accumulate_gradients(model, parts, loss_fn, optimiser):
    model.train()
    count, total = sum(len(y) for _, y in parts), 0.0
    for x, y in parts:
        optimiser.zero_grad()
        loss = loss_fn(model(x), y) * (len(y) / count)
        loss.backward()
        total += loss.item()
    optimiser.step()
    return total


# %% mistake="accumulate_gradients" name="never-forgotten" hint="The gradients of the batch before are still there when this one begins. Call optimiser.zero_grad() once, before the first part."
def accumulate_gradients(model, parts, loss_fn, optimiser):
    model.train()
    count, total = sum(len(y) for _, y in parts), 0.0
    for x, y in parts:
        loss = loss_fn(model(x), y) * (len(y) / count)
        loss.backward()
        total += loss.item()
    optimiser.step()
    return total


# %% mistake="accumulate_gradients" name="put-together" hint="You put the parts together and send all of it through at once. The result is right, and the memory that the parts were to save is needed after all. One part at a time."
def accumulate_gradients(model, parts, loss_fn, optimiser):
    model.train()
    x, y = torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts])
    optimiser.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimiser.step()
    return loss.item()


# %% variant="accumulate_gradients"
def accumulate_gradients(model, parts, loss_fn, optimiser):
    model.train()
    sizes = [len(y) for _, y in parts]
    for p in model.parameters():
        p.grad = None
    means = []
    for (x, y), size in zip(parts, sizes):
        loss = loss_fn(model(x), y)
        loss.backward(torch.full_like(loss, size / sum(sizes)))
        means.append(loss.item() * size)
    optimiser.step()
    return sum(means) / sum(sizes)


# %% [markdown]
# **Question 2 (2 points).** Your accumulated step is exactly the step of the large batch, for this network. Put a layer of batch normalisation
# (unit 05) into it: is it still? Why, or why not?

# %% [markdown] question="accumulate-batchnorm" points=2
# No. Batch normalisation takes mean and variance from the batch that it sees, and now it sees the parts. Each part is
# brought to its own mean and its own variance, so the numbers that go into the next layer are others than in the large batch, and the
# gradients with them. The running means move once for each part, too. (Dropout is different as well, but only by its
# dice.) Layer normalisation looks at one example at a time, and has no such trouble.

# %% [markdown]
# ## 7. The result: digits, and the clock
#
# Thirty epochs over the digits, with your functions, on the device that was chosen at the top. The number to beat is **0.96**, as in unit
# 06. Every loss is also written to a log that TensorBoard can read, where that is installed.
#
# > **Twice the same?** `torch.manual_seed` fixes the weights and dropout's dice, the loader's `generator` fixes the order. On one
# > processor that gives the same numbers twice. On a GPU some operations add up in any order, unless one asks for
# > `torch.use_deterministic_algorithms(True)`. Another version of PyTorch may throw other dice: never rely on that.

# %%
LOGS = Path(tempfile.gettempdir()) / "gradus-logs"


def log_writer(name):
    """A TensorBoard writer, or None where that is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(LOGS / f"{name}-{time.strftime('%H%M%S')}")


def full_run(epochs=30):
    """Train, judge and time; returns losses, accuracies, the seconds, and the network."""
    net, (train, test) = new_net(64), loaders(32)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.003)
    written_to, losses, accuracies, began = log_writer("digits"), [], [], time.perf_counter()
    bar = gradus.track(range(epochs), "training")  # the Stop button ends it after the epoch in hand
    for epoch in bar:
        for batch in train:
            losses.append(train_step(net, batch, nn.functional.cross_entropy, optimiser))
        loss, accuracy = evaluate(net, test)
        bar.show(loss=loss, right=accuracy)
        accuracies.append(accuracy)
        if written_to:
            written_to.add_scalar("train/loss", losses[-1], epoch)
            written_to.add_scalar("test/loss", loss, epoch)
            written_to.add_scalar("test/accuracy", accuracy, epoch)
    if written_to:
        written_to.close()
    return losses, accuracies, time.perf_counter() - began, net


outcome = written(full_run)
if outcome is None:
    print("Write `DigitsDataset`, `to_device`, `make_mlp`, `train_step` and `evaluate` first, then run this cell again.")
else:
    losses, accuracies, seconds, net = outcome
    print(f"right on the test pictures: {accuracies[-1]:.4f} (to beat: 0.96)")
    print(f"{len(losses) / seconds:.0f} steps a second on {device}, judging included")

# %% [markdown]
# The next cell reads the log and draws it: a small TensorBoard of your own. Pale is what was logged, dark the smoothed curve:
# each value is mixed with the line so far, so the more it is smoothed, the later it comes. The real one is a page in the browser; in a
# notebook it opens with `%load_ext tensorboard` and `%tensorboard --logdir FOLDER`, with the folder that is printed here.

# %%
def read_log():
    """What stands in the newest log: name -> values; empty where there is none."""
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        return {}
    runs = sorted(LOGS.glob("digits-*"), key=lambda path: path.stat().st_mtime)
    if not runs:
        return {}
    log = EventAccumulator(str(runs[-1])).Reload()
    return {name: [event.value for event in log.Scalars(name)] for name in log.Tags()["scalars"]}


log = read_log()
if log:
    print(f"tensorboard --logdir {LOGS}")
else:
    print("No log: TensorBoard is not installed (pip install tensorboard), or nothing has been trained yet.")


def small_tensorboard(smooth):
    """The curves of the newest log, smoothed as TensorBoard does it."""
    if not log:
        return plot.message("Nothing is logged yet.")
    figure, axes = plot.figure(len(log), height=2.6)
    for axis, (name, values) in zip(np.atleast_1d(axes), log.items()):
        mean, line = values[0], []
        for value in values:
            mean = smooth * mean + (1 - smooth) * value
            line.append(mean)
        axis.plot(values, alpha=0.3)
        axis.plot(line, color=plot.BLUE)
        axis.set(title=name, xlabel="epoch")
    return figure


explore(small_tensorboard, smooth=slider(0.6, 0.0, 0.95, 0.05, "smoothing"))

# %% [markdown]
# ## 8. How much faster is a GPU?
#
# The same step of a larger network, on the processor and on the device. A GPU is asked and does not answer at once: PyTorch only puts the
# work into a queue. So one has to wait for it (`synchronize`) before one looks at the clock; who forgets that measures the queue.
#
# Where the device has mixed precision, the third bar uses it: multiplications in 16 bits, sums and weights in 32
# (Micikevicius and others, 2018). Small gradients would become 0 in 16 bits, so the loss is scaled up on the way back and the
# gradients down again; `GradScaler` does that. On a processor the third bar is left out: there it seldom gains anything.

# %%
def pause_for(where):
    """Wait until a device has done what it was given."""
    if where.type == "cuda":
        torch.cuda.synchronize(where)
    elif where.type == "mps":
        torch.mps.synchronize()


@functools.lru_cache(maxsize=20)
def speed(width, where, mixed=False, steps=5):
    """Examples a second while training a network of this width."""
    where = torch.device(where)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)).to(where)
    optimiser = torch.optim.Adam(net.parameters())
    x, y = torch.randn(256, 784, device=where), torch.randint(0, 10, (256,), device=where)
    scaler = torch.amp.GradScaler(where.type, enabled=mixed)
    best = np.inf
    for _ in range(4):  # the first time is slow: memory is fetched, kernels are chosen
        pause_for(where)
        began = time.perf_counter()
        for _ in range(steps):
            optimiser.zero_grad()
            with torch.autocast(where.type, dtype=torch.float16, enabled=mixed):
                loss = nn.functional.cross_entropy(net(x), y)
            scaler.scale(loss).backward()
            scaler.step(optimiser)
            scaler.update()
        pause_for(where)
        best = min(best, time.perf_counter() - began)
    return 256 * steps / best


def race(width):
    """Examples a second on the processor and on the device."""
    rates = {"cpu": speed(width, "cpu")}
    if device.type != "cpu":
        rates[device.type] = speed(width, str(device))
    if device.type == "cuda":
        rates["cuda, mixed precision"] = speed(width, str(device), mixed=True)
    figure, axes = plot.figure(height=2.2)
    axes.barh(list(rates), list(rates.values()))
    fastest = max(rates, key=rates.get)
    title = f"{fastest}: {rates[fastest] / rates['cpu']:.1f} times the processor" if len(rates) > 1 else "no GPU here: the processor alone"
    axes.set(xlabel="examples a second", title=title)
    return figure


explore(race, width=choice([64, 256, 1024], 256, label="neurons a layer"))

# %% [markdown]
# **Question 3 (2 points).** A friend measures a GPU with `time.perf_counter()` around the training step, without waiting for
# the device, and finds that a network with four times as many neurons takes hardly longer. What did they measure? How would the
# numbers change if they printed `loss.item()` in every step?

# %% [markdown] question="measured-the-queue" points=2
# They measured how long it takes Python to put the operations into the GPU's queue, which depends on how many operations there are,
# not on how large they are. `loss.item()` needs the number itself, so it waits until the device has done everything before it: with
# it in every step the time is the real one (and training a little slower, since the processor can no longer run ahead).

# %% [markdown]
# ## Your library so far
#
# This unit adds nothing to it: PyTorch has most of what you wrote here, and the rest is
# written anew for each task. Unit 08 adds to it again.

# %% locked
gradus.library()

# %% [markdown]
# ## What you can do now
#
# - Say what PyTorch does when it is told `backward`, for you have written it, and show that it does.
# - Give data to a network one example at a time, and bring any batch to any device.
# - Write a training step and a judgement that are right to the last example, whatever the sizes of the batches.
# - Interrupt a training run and take it up again to the last digit, also if the plug is pulled while the file is written.
# - Train with batches larger than the memory, and measure a GPU honestly.
#
# Next, in unit 08, networks that look at pictures as pictures.
#
# ## Further reading
#
# - Adam Paszke and others, "PyTorch: An Imperative Style, High-Performance Deep Learning Library", *NeurIPS*, 2019. Why it is
#   made as it is made.
# - Paulius Micikevicius and others, "Mixed Precision Training", *ICLR*, 2018. Which numbers may be short, and which may not.
# - Atılım Güneş Baydin and others, "Automatic Differentiation in Machine Learning: a Survey", *Journal of Machine Learning
#   Research*, 2018. The history of what you built in unit 03.
