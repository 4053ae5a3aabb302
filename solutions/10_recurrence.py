# %% [markdown]
# # You will build networks that read one sign after another and remember, and let one write the Python manual
#
# A picture is seen at once. A sentence comes piece by piece, and what a word means depends on what came before. A
# recurrent network reads one *sign* at a time (a letter, a digit, a blank, a new line) and carries a *state* along: a few
# numbers, all that it remembers. In this unit you write such a network and the way back through it by hand, see why its memory
# fades, build the two cells that mend it, and train one on real text. It takes about 90 minutes.
#
# First, be the network. Below is a line of text (⏎ is a new line), of which you remember the last few signs. How sure could you be
# of the next one? The bars are what really followed these signs, counted over the whole text. The title sums them up as *bits of
# surprise*: 0 where you are sure, 1 for the toss of a coin, 3 for one of eight. Run the next two cells and make the memory longer.

# %% setup
import functools
import pydoc_data.topics
import re

import numpy as np
import torch
from IPython.display import display
from torch import nn

import gradus
from gradus import plot
from gradus.check import assert_close, assert_gradient, assert_raises, check, inside, rng
from gradus.stepper import step_through
from gradus.widgets import choice, explore, slider, written

gradus.unit("10_recurrence")

clip_by_global_norm = gradus.carried("04_descent").clip_by_global_norm


def python_manual():
    """The language reference that ships with Python: lower-case letters, digits, punctuation, blanks, newlines."""
    topics = pydoc_data.topics.topics
    text = "\n".join(topics[name] for name in sorted(topics)).lower()
    text = re.sub(r"[^\x20-\x7e\n]|[*_=\-+~.]{3,}", "", text)
    return re.sub(r"\n\s*\n", "\n\n", re.sub(r"[ ]+", " ", text)).replace("\n ", "\n")


text = python_manual()
signs = sorted(set(text))  # the vocabulary, V signs
number = {sign: i for i, sign in enumerate(signs)}
V = len(signs)
tokens = np.array([number[sign] for sign in text])  # a whole number for each sign
train_tokens, test_tokens = tokens[:300_000], tokens[300_000:320_000]


def spell(numbers):
    """The text that these numbers stand for."""
    return "".join(signs[i] for i in numbers)


# For the checks: one unit with easy weights, and dice for any number of them.
ONE = {"Wx": np.array([[1.0]]), "Wh": np.array([[0.5]]), "b": np.array([0.0])}
HALF = np.arctanh(0.5)
OPEN, SHUT = 50.0, -50.0  # sums that open a gate, and shut it


def dice_params(dice, D, H, gates=1, both=False):
    """Random weights of a cell."""
    made = {"Wx": dice.normal(size=(D, gates * H)) / 2, "Wh": dice.normal(size=(H, gates * H)) / 2}
    if both:
        return made | {"bx": dice.normal(size=gates * H) / 2, "bh": dice.normal(size=gates * H) / 2}
    return made | {"b": dice.normal(size=gates * H) / 2}


# %%
@functools.lru_cache(maxsize=50)
def followers(context):
    """How often each sign follows this text."""
    found, start = np.zeros(V), text.find(context)
    while 0 <= start < len(text) - len(context):
        found[number[text[start + len(context)]]] += 1
        start = text.find(context, start + 1)
    return found


def guess(place, memory):
    """What may follow the last few signs of a text, and how many bits of surprise are in it."""
    seen = text[place - memory : place]
    counts = followers(seen)
    p = counts / counts.sum()
    top = [i for i in np.argsort(-p)[:12] if p[i] > 0]
    figure, axes = plot.figure(height=2.8)
    axes.bar([repr(signs[i])[1:-1] if signs[i] != " " else "blank" for i in top], p[top])
    bits = np.sum(p[p > 0] * np.log2(1 / p[p > 0]))
    shown = "…" + text[place - 30 : place].replace("\n", "⏎")
    known = f"memory: {seen!r}, met {int(counts.sum()):,} times; {bits:.1f} bits of surprise on average"
    axes.set(xlim=(-0.7, 11.7), ylim=(0, 1), xlabel="next sign", ylabel="share", title=f"{shown}\n{known}")
    return figure


explore(guess, place=slider(20_027, 20_000, 20_060, label="place in the text"), memory=slider(1, 0, 12, label="signs remembered"))

# %% [markdown]
# With nothing remembered the surprise is more than four bits: the next sign is one of about twenty that are likely. With three signs
# it is about two. With twelve there is often no choice left, but then the twelve have been seen only once or twice, and
# counting is learning by heart. A network must do better: remember what matters, forget the rest.

# %% [markdown]
# ## 1. What must be beaten: counting
#
# **In words.** The simplest model of text counts. How often did `e` follow `th`? Divide by how often `th` was followed by anything.
# That is an *n-gram* model: it looks at $n - 1$ signs, the *context*, and guesses the $n$-th. What was never seen must not get
# probability 0, or a single surprise would be infinite: add a little, the smoothing $s$, to every count.
#
# Two measures, of the probabilities $p$ that the model gave to what really came. *Bits per sign*: the mean of $-\log_2 p$.
# *Perplexity*: $e$ to the mean of $-\ln p$, among how many equally likely signs the model hesitates on average. 1 bit is a
# perplexity of 2; 3 bits, of 8.
#
# **In small numbers.** Learn from `a b a b a` with $n = 2$, three signs $a, b, c$, and $s = 1$. There are three $a$, but the last is followed
# by nothing. After the other two came $b$: $p(b|a) = (2 + 1)/(2 + 3) = 0.6$, and $p(c|a) = (0 + 1)/(2 + 3) = 0.2$. If the test text is
# `a b`, its $b$ had probability 0.6: $-\log_2 0.6 = 0.737$ bits. With $n = 1$ the context is empty, and every sign counts.
#
# **In maths.** With counts $\#$ over the training text and $V$ signs,
#
# $$p(c \mid \text{context}) = \frac{\#(\text{context}, c) + s}{\sum_{c'} \#(\text{context}, c') + s V} .$$
#
# **In code.** Write both functions. `ngram_bits` judges every sign of the test text that has $n - 1$ signs before it. The training text
# will be 300,000 signs long: go through it once and count, in dictionaries or arrays, rather than search it again for each sign.

# %% exercise="baseline" minutes=12 difficulty=2
def perplexity(nll):
    """Among how many equally likely choices a model hesitates: e to the mean of nll, an array of -ln p."""
    ### BEGIN SOLUTION
    return float(np.exp(np.mean(nll)))
    ### END SOLUTION


def ngram_bits(train, test, n, V, smoothing=0.1):
    """Bits per sign of an n-gram model.

    Args:
        train, test: arrays of whole numbers from 0 to V - 1.
        n: how many signs are counted together, the last one being guessed; at least 1.
        V: how many different signs there are.
        smoothing: what is added to every count, above 0.

    Returns:
        The mean of -log2 p over all signs of test that have n - 1 signs before them, a number.
    """
    ### BEGIN SOLUTION
    counts, contexts = {}, {}
    numbers = train.tolist()
    for i in range(n - 1, len(numbers)):
        gram = tuple(numbers[i - n + 1 : i + 1])
        counts[gram] = counts.get(gram, 0) + 1
        contexts[gram[:-1]] = contexts.get(gram[:-1], 0) + 1
    bits, numbers = [], test.tolist()
    for i in range(n - 1, len(numbers)):
        gram = tuple(numbers[i - n + 1 : i + 1])
        p = (counts.get(gram, 0) + smoothing) / (contexts.get(gram[:-1], 0) + smoothing * V)
        bits.append(-np.log2(p))
    return float(np.mean(bits))
    ### END SOLUTION


# %% check="baseline" points=5
ABABA = np.array([0, 1, 0, 1, 0])


def test_perplexity():
    "sure of one sign, torn between eight, and a mixture"
    assert_close(perplexity(np.zeros(3)), 1.0)
    assert_close(perplexity(np.full(4, np.log(8.0))), 8.0)
    assert_close(perplexity(np.log([1.0, 2.0, 4.0])), 2.0)


def test_pairs():
    "the pairs from the text: after a comes b, 0.6; after a comes c, 0.2"
    assert_close(ngram_bits(ABABA, np.array([0, 1]), 2, 3, 1.0), -np.log2(0.6))
    assert_close(ngram_bits(ABABA, np.array([0, 2]), 2, 3, 1.0), -np.log2(0.2))


def test_single():
    "n = 1: every sign counts, none is remembered"
    assert_close(ngram_bits(ABABA, np.array([0, 1]), 1, 2, 0.5), -np.log2(3.5 / 6) / 2 - np.log2(2.5 / 6) / 2)


def test_triples():
    "n = 3, the mean over three signs"
    p = np.array([2.1 / 2.3, 1.1 / 1.3, 0.1 / 2.3])
    assert_close(ngram_bits(ABABA, np.array([0, 1, 0, 1, 2]), 3, 3, 0.1), np.mean(-np.log2(p)))


def test_unseen():
    "a context that was never seen: all signs alike"
    assert_close(ngram_bits(ABABA, np.array([3, 2]), 2, 4, 0.1), 2.0)


### BEGIN HIDDEN TESTS
def test_random():
    "random signs, n from 1 to 4"
    train, test = rng.integers(0, 5, size=200), rng.integers(0, 5, size=50)
    for n in range(1, 5):
        assert_close(ngram_bits(train, test, n, 5, 0.3), reference.ngram_bits(train, test, n, 5, 0.3))
    nll = rng.exponential(size=12)
    assert_close(perplexity(nll), np.exp(nll.mean()))


### END HIDDEN TESTS

check("baseline", points=5)

# %% mistake="baseline" name="bits-as-exponent" hint="Your perplexity is 2 to the mean. The surprises are in nats here, natural logarithms, so it is e to the mean."
def perplexity(nll):
    return float(2 ** np.mean(nll))


# %% mistake="baseline" name="mean-of-perplexities" hint="You took e to each surprise and then the mean. First the mean, then the exponential: otherwise one bad guess weighs more than all good ones."
def perplexity(nll):
    return float(np.mean(np.exp(nll)))


# %% mistake="baseline" name="nats" hint="Your result is in nats: natural logarithms. Bits want log2, or nats divided by ln 2."
def ngram_bits(train, test, n, V, smoothing=0.1):
    counts, contexts = {}, {}
    for i in range(n - 1, len(train)):
        gram = tuple(train[i - n + 1 : i + 1])
        counts[gram] = counts.get(gram, 0) + 1
        contexts[gram[:-1]] = contexts.get(gram[:-1], 0) + 1
    bits = []
    for i in range(n - 1, len(test)):
        gram = tuple(test[i - n + 1 : i + 1])
        bits.append(-np.log((counts.get(gram, 0) + smoothing) / (contexts.get(gram[:-1], 0) + smoothing * V)))
    return float(np.mean(bits))


# %% mistake="baseline" name="smoothing-once" hint="Below the line you added the smoothing once instead of V times. Every one of the V signs got it, so the shares add up to 1 only with smoothing * V."
def ngram_bits(train, test, n, V, smoothing=0.1):
    counts, contexts = {}, {}
    for i in range(n - 1, len(train)):
        gram = tuple(train[i - n + 1 : i + 1])
        counts[gram] = counts.get(gram, 0) + 1
        contexts[gram[:-1]] = contexts.get(gram[:-1], 0) + 1
    bits = []
    for i in range(n - 1, len(test)):
        gram = tuple(test[i - n + 1 : i + 1])
        bits.append(-np.log2((counts.get(gram, 0) + smoothing) / (contexts.get(gram[:-1], 0) + smoothing)))
    return float(np.mean(bits))


# %% mistake="baseline" name="joint" hint="You divided by the number of all n-grams: that is the probability of the whole n-gram, not of the last sign given the ones before. Divide by how often the context was followed by anything."
def ngram_bits(train, test, n, V, smoothing=0.1):
    counts = {}
    for i in range(n - 1, len(train)):
        gram = tuple(train[i - n + 1 : i + 1])
        counts[gram] = counts.get(gram, 0) + 1
    total, bits = sum(counts.values()), []
    for i in range(n - 1, len(test)):
        gram = tuple(test[i - n + 1 : i + 1])
        bits.append(-np.log2((counts.get(gram, 0) + smoothing) / (total + smoothing * V)))
    return float(np.mean(bits))


# %% mistake="baseline" name="one-sign-too-many" hint="Your context has n signs, so n + 1 are counted together. An n-gram has n signs: n - 1 before, and the one that is guessed."
def ngram_bits(train, test, n, V, smoothing=0.1):
    counts, contexts = {}, {}
    for i in range(n, len(train)):
        gram = tuple(train[i - n : i + 1])
        counts[gram] = counts.get(gram, 0) + 1
        contexts[gram[:-1]] = contexts.get(gram[:-1], 0) + 1
    bits = [0.0] if len(test) <= n else []
    for i in range(n, len(test)):
        gram = tuple(test[i - n : i + 1])
        bits.append(-np.log2((counts.get(gram, 0) + smoothing) / (contexts.get(gram[:-1], 0) + smoothing * V)))
    return float(np.mean(bits))


# %% mistake="baseline" name="end-of-text-counted" hint="The context at the very end of the training text is counted too, although nothing follows it. Count a context only where a sign comes after it."
def ngram_bits(train, test, n, V, smoothing=0.1):
    counts, contexts = {}, {}
    for i in range(n - 1, len(train)):
        gram = tuple(train[i - n + 1 : i + 1])
        counts[gram] = counts.get(gram, 0) + 1
    for i in range(n - 1, len(train) + 1):
        context = tuple(train[i - n + 1 : i])
        contexts[context] = contexts.get(context, 0) + 1
    bits = []
    for i in range(n - 1, len(test)):
        gram = tuple(test[i - n + 1 : i + 1])
        bits.append(-np.log2((counts.get(gram, 0) + smoothing) / (contexts.get(gram[:-1], 0) + smoothing * V)))
    return float(np.mean(bits))


# %% mistake="baseline" name="last-sign-not-counted" hint="Your loop over the training text stops too early: the n-gram that ends with the last sign is not counted. A text of N signs holds N - n + 1 of them."
def ngram_bits(train, test, n, V, smoothing=0.1):
    counts, contexts = {}, {}
    for i in range(len(train) - n):
        gram = tuple(train[i : i + n])
        counts[gram] = counts.get(gram, 0) + 1
        contexts[gram[:-1]] = contexts.get(gram[:-1], 0) + 1
    bits = []
    for i in range(n - 1, len(test)):
        gram = tuple(test[i - n + 1 : i + 1])
        bits.append(-np.log2((counts.get(gram, 0) + smoothing) / (contexts.get(gram[:-1], 0) + smoothing * V)))
    return float(np.mean(bits))


# %% variant="baseline"
def perplexity(nll):
    return float(np.prod(np.exp(np.asarray(nll) / len(nll))))


def ngram_bits(train, test, n, V, smoothing=0.1):
    from collections import Counter

    def grams(numbers):
        return list(zip(*(numbers[i : len(numbers) - n + 1 + i].tolist() for i in range(n))))

    seen = Counter(grams(train))
    before = Counter()
    for gram, count in seen.items():
        before[gram[:-1]] += count
    return float(-np.mean([np.log2((seen[g] + smoothing) / (before[g[:-1]] + smoothing * V)) for g in grams(test)]))


# %% [markdown]
# ### See it: how long should the memory be?
#
# **Your** `ngram_bits` on the Python manual, for several lengths. Longer is better at first, then worse: long contexts were seldom
# seen, and the model does not know what to say. Now change the smoothing. With 0.001 what was never seen is a shock, with 1 the counts
# are drowned. The lowest point of all is the number to beat.

# %%
@functools.lru_cache(maxsize=60)
def bits_of(n, smoothing):
    return ngram_bits(train_tokens, test_tokens, n, V, smoothing)


def counting(smoothing):
    """Bits per sign of your n-gram models, by their length."""
    lengths = range(1, 7)
    bits = [bits_of(n, smoothing) for n in lengths]
    figure, axes = plot.figure(height=2.6)
    axes.plot(lengths, bits, "o-")
    axes.set(xlabel="n, signs counted together", ylabel="bits per sign", ylim=(2, 5.2), title=f"best: n = {1 + int(np.argmin(bits))}, {min(bits):.3f} bits per sign")
    return figure


explore(counting, smoothing=choice([0.001, 0.01, 0.1, 1.0], 0.1, label="smoothing"))

# %% [markdown]
# ## 2. A network with a state
#
# **In words.** At each step the network sees the input $x_t$ and its own last state $h_{t-1}$, and makes a new state of both. The
# weights are the same at every step: one cell, used again and again.
#
# **In small numbers.** One input, one unit, weights $W_x = 1$ and $W_h = 0.5$, no bias. From $h_0 = 0$ and $x_1 = 0.5493$ comes
# $h_1 = \tanh(0.5493) = 0.5$. With $x_2 = 0.2993$ comes $h_2 = \tanh(0.2993 + 0.5 \cdot 0.5) = \tanh(0.5493) = 0.5$ again: the second input is smaller,
# and memory makes up for it.
#
# **In maths.** $B$ sequences are read side by side. Each has $T$ steps, an input has $D$ numbers, the state $H$: so
# $x_t: (B, D)$, $h_t: (B, H)$, $W_x: (D, H)$, $W_h: (H, H)$, $b: (H,)$, and
#
# $$h_t = \tanh(x_t W_x + h_{t-1} W_h + b).$$
#
# **In code.** Write one step, and then the whole sequence. `params` is a dictionary with `"Wx"`, `"Wh"` and `"b"`.

# %% exercise="rnn_forward" minutes=8 difficulty=1
def rnn_step(x, h, params):
    """The state after one more input: x (B, D), h (B, H), params "Wx" (D, H), "Wh" (H, H), "b" (H,). Returns (B, H)."""
    ### BEGIN SOLUTION
    return np.tanh(x @ params["Wx"] + h @ params["Wh"] + params["b"])
    ### END SOLUTION


def rnn_forward(X, h0, params):
    """All states of a sequence: X (B, T, D), h0 (B, H) the state before it. Returns (B, T, H)."""
    ### BEGIN SOLUTION
    states, h = [], h0
    for t in range(X.shape[1]):
        h = rnn_step(X[:, t], h, params)
        states.append(h)
    return np.stack(states, axis=1)
    ### END SOLUTION


# %% check="rnn_forward" points=4
def test_step():
    "one step by hand"
    assert_close(rnn_step(np.array([[HALF - 0.25]]), np.array([[0.5]]), ONE), np.array([[0.5]]))


def test_bias():
    "two examples, two units, and a bias"
    params = {"Wx": np.array([[1.0, 0.0]]), "Wh": np.array([[0.0, 1.0], [2.0, 0.0]]), "b": np.array([0.0, -1.0])}
    x, h = np.array([[1.0], [0.0]]), np.array([[0.0, 0.5], [1.0, 0.0]])
    assert_close(rnn_step(x, h, params), np.tanh(np.array([[2.0, -1.0], [0.0, 0.0]])))


def test_sequence():
    "the two steps from the text"
    X = np.array([[[HALF], [HALF - 0.25]]])
    assert_close(rnn_forward(X, np.array([[0.0]]), ONE), np.array([[[0.5], [0.5]]]))


def test_first_state():
    "a state from before the sequence counts"
    assert_close(rnn_forward(np.array([[[HALF - 0.25]]]), np.array([[0.5]]), ONE), np.array([[[0.5]]]))


### BEGIN HIDDEN TESTS
def test_random():
    "three sequences of five steps"
    params, X, h0 = dice_params(rng, 2, 4), rng.normal(size=(3, 5, 2)), rng.normal(size=(3, 4))
    assert_close(rnn_forward(X, h0, params), reference.rnn_forward(X, h0, params))


### END HIDDEN TESTS

check("rnn_forward", points=4)

# %% mistake="rnn_forward" name="no-memory" hint="The state of the step before is not used: each step sees its input alone. Add h @ Wh before the tanh."
def rnn_step(x, h, params):
    return np.tanh(x @ params["Wx"] + params["b"])


# %% mistake="rnn_forward" name="always-from-the-start" hint="Every step starts from h0 again, so nothing is carried along. Each step must get the state that the one before it returned."
def rnn_forward(X, h0, params):
    return np.stack([rnn_step(X[:, t], h0, params) for t in range(X.shape[1])], axis=1)


# %% mistake="rnn_forward" name="starts-from-zero" hint="The sequence starts from zeros, whatever h0 is. Start from h0: it is what was remembered from before."
def rnn_forward(X, h0, params):
    states, h = [], np.zeros_like(h0)
    for t in range(X.shape[1]):
        h = rnn_step(X[:, t], h, params)
        states.append(h)
    return np.stack(states, axis=1)


# %% mistake="rnn_forward" name="bend-outside" hint="You added the memory after the tanh. Sum everything first, then bend once: the state must stay between -1 and 1."
def rnn_step(x, h, params):
    return np.tanh(x @ params["Wx"] + params["b"]) + h @ params["Wh"]


# %% mistake="rnn_forward" name="recurrent-turned" hint="Wh stands the wrong way round: the state multiplies it from the left, h @ Wh, so that column j holds the weights of unit j."
def rnn_step(x, h, params):
    return np.tanh(x @ params["Wx"] + h @ params["Wh"].T + params["b"])


# %% mistake="rnn_forward" name="last-state-only" hint="You return the last state only. All of them are wanted, (B, T, H): collect them and stack them along axis 1."
def rnn_forward(X, h0, params):
    h = h0
    for t in range(X.shape[1]):
        h = rnn_step(X[:, t], h, params)
    return h


# %% mistake="rnn_forward" name="time-first" hint="Your states have the time first, (T, B, H). Stack them along axis 1, so that examples come first."
def rnn_forward(X, h0, params):
    states, h = [], h0
    for t in range(X.shape[1]):
        h = rnn_step(X[:, t], h, params)
        states.append(h)
    return np.stack(states)


# %% variant="rnn_forward"
def rnn_step(x, h, params):
    z = np.concatenate([x, h], axis=1) @ np.concatenate([params["Wx"], params["Wh"]]) + params["b"]
    return 1 - 2 / (np.exp(2 * z) + 1)


def rnn_forward(X, h0, params):
    H = np.empty((*X.shape[:2], h0.shape[1]))
    for t in range(X.shape[1]):
        H[:, t] = rnn_step(X[:, t], H[:, t - 1] if t else h0, params)
    return H


# %% [markdown]
# ### See it: a push and its echo
#
# One unit, **your** `rnn_forward`. At step 3 it gets a push, and never an input again: what you see afterwards is memory. At a
# recurrent weight of 0.5 half of it is lost at every step. Where is it kept for long? Where for ever? What does a negative weight do?

# %%
def echo(weight, push):
    """One unit's state after a single input, for one recurrent weight."""
    X = np.zeros((1, 30, 1))
    X[0, 2, 0] = push
    params = {"Wx": np.array([[1.0]]), "Wh": np.array([[weight]]), "b": np.array([0.0])}
    states = rnn_forward(X, np.zeros((1, 1)), params)[0, :, 0]
    figure, axes = plot.figure(height=2.4)
    axes.bar(np.arange(1, 31), states)
    axes.axhline(0.0, color="grey", lw=0.8)
    axes.set(xlabel="step", ylabel="state h", xlim=(0, 31), ylim=(-1, 1), title=f"20 steps after the push: {states[22]:.2g}")
    return figure


explore(echo, weight=slider(0.5, -1.5, 1.5, 0.1, "recurrent weight"), push=slider(1.0, -2.0, 2.0, 0.1, "input at step 3"))

# %% [markdown]
# ## 3. The way back through time
#
# **In words.** Unrolled, the sequence is one deep network with the same weights in every layer. A state is used twice: by the loss at
# its own step, and by the next step. So its gradient is a sum of two, and the way back goes from the last step to the first. Each step adds its
# share to the gradients of the weights.
#
# Here are the two steps from above, unrolled, as in unit 03: values forward, then gradients back. One slider steps through it, the others change
# the inputs. Look at `Wh` and `Wx`: each is used twice, and hears from both steps.

# %%
def unrolled(x1, x2, h0, Wx, Wh):
    h1 = (x1 * Wx + h0 * Wh).tanh()
    return (x2 * Wx + h1 * Wh).tanh()


step_through(unrolled, gradus.carried("03_backprop").Tensor, x1=0.5493, x2=0.2993, h0=0.0, Wx=1.0, Wh=0.5)

# %% [markdown]
# **In small numbers.** The loss looks at $h_2$ only, with gradient 1. Call $a_t$ the gradient with respect to the sum *inside* the tanh of step $t$.
# The tanh has slope $1 - 0.5^2 = 0.75$, so $a_2 = 0.75$. Back to $h_1$ through $W_h$: $0.75 \cdot 0.5 = 0.375$, and through the tanh there:
# $a_1 = 0.375 \cdot 0.75 = 0.28125$. The gradients: of $b$, $a_1 + a_2 = 1.03125$; of $W_h$, $a_2 h_1 + a_1 h_0 = 0.375$; of $W_x$, $a_1 x_1 + a_2 x_2 = 0.3790$.
#
# **In maths.** Let $\delta_t: (B, H)$ be the loss's own gradient of $h_t$ (given: `dH[:, t]`), $\odot$ the product number by number, and
# $a_{T+1} = 0$, because after the last step comes nothing. Then, with $a_t: (B, H)$,
#
# $$a_t = (\delta_t + a_{t+1} W_h^T) \odot (1 - h_t^2), \qquad
# \frac{\partial L}{\partial W_x} = \sum_t x_t^T a_t, \quad \frac{\partial L}{\partial W_h} = \sum_t h_{t-1}^T a_t, \quad
# \frac{\partial L}{\partial b} = \sum_{t, \text{examples}} a_t,$$
#
# and for the inputs $\partial L / \partial x_t = a_t W_x^T$, for the first state $\partial L / \partial h_0 = a_1 W_h^T$.
#
# **In code.** Write `rnn_backward`.

# %% exercise="rnn_backward" minutes=20 difficulty=3
def rnn_backward(dH, X, h0, H, params):
    """Back-propagation through time.

    Args:
        dH: (B, T, H), the loss's own gradient of every state.
        X: (B, T, D), h0: (B, H), H: (B, T, H) the states that rnn_forward returned.
        params: "Wx" (D, H), "Wh" (H, H), "b" (H,).

    Returns:
        dX (B, T, D), dh0 (B, H), and a dictionary of the gradients of "Wx", "Wh" and "b".
    """
    ### BEGIN SOLUTION
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        a = (dH[:, t] + later) * (1 - H[:, t] ** 2)  # (B, H), before the tanh
        grads["Wx"] += X[:, t].T @ a
        grads["Wh"] += (H[:, t - 1] if t else h0).T @ a
        grads["b"] += a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, later, grads
    ### END SOLUTION


# %% check="rnn_backward" points=6
TWO = np.array([[[HALF], [HALF - 0.25]]])
STATES = np.array([[[0.5], [0.5]]])


def hand(delta, h0=0.0):
    X = TWO - np.array([[[h0 / 2], [0.0]]])  # so that the states are 0.5 and 0.5, whatever came before
    return rnn_backward(np.array([[[delta[0]], [delta[1]]]]), X, np.array([[h0]]), STATES, ONE)


def test_weights():
    "the gradients from the text: of b, Wh and Wx, in this order"
    dX, dh0, grads = hand((0.0, 1.0))
    assert_close([grads["b"][0], grads["Wh"][0, 0], grads["Wx"][0, 0]], [1.03125, 0.375, 0.28125 * HALF + 0.75 * (HALF - 0.25)])


def test_inputs():
    "the gradients of the inputs and of the first state"
    dX, dh0, grads = hand((0.0, 1.0))
    assert_close((dX, dh0), (np.array([[[0.28125], [0.75]]]), np.array([[0.140625]])))


def test_every_step():
    "a loss at both steps: the first state gets two shares"
    dX, dh0, grads = hand((1.0, 1.0))
    assert_close((dX, grads["b"]), (np.array([[[1.03125], [0.75]]]), np.array([1.78125])))


def test_first_state_in_weights():
    "the state before the sequence has a share in Wh's gradient"
    dX, dh0, grads = hand((0.0, 1.0), h0=2.0)
    assert_close(grads["Wh"], np.array([[0.375 + 2 * 0.28125]]))


def test_two_examples():
    "two examples, three units, one step: the weights' gradients add up, the inputs' stay apart"
    Wx = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]])
    Wh = np.array([[-1.0, 0.0, -2.0], [0.0, -1.0, 0.0], [1.0, 1.0, 1.0]])
    X, h0 = np.array([[[1.0, 0.0]], [[0.0, 1.0]]]), np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # so that all states are 0
    a = np.array([[1.0, 0.0, -1.0], [2.0, 0.5, 0.0]])  # the slope of the tanh at 0 is 1
    dX, dh0, grads = rnn_backward(a[:, None], X, h0, np.zeros((2, 1, 3)), {"Wx": Wx, "Wh": Wh, "b": np.zeros(3)})
    assert_close(grads["b"], np.array([3.0, 0.5, -1.0]))
    assert_close((grads["Wx"], grads["Wh"]), (a, np.array([[1.0, 0.0, -1.0], [2.0, 0.5, 0.0], [0.0, 0.0, 0.0]])))
    assert_close((dX, dh0), (np.array([[[-1.0, 0.0]], [[2.0, 0.5]]]), np.array([[1.0, 0.0, 0.0], [-2.0, -0.5, 2.5]])))


### BEGIN HIDDEN TESTS
def test_differences():
    "all gradients against central differences"
    params, X, h0 = dice_params(rng, 2, 3), rng.normal(size=(2, 4, 2)), rng.normal(size=(2, 3)) / 2
    dH = rng.normal(size=(2, 4, 3))

    def loss(X, h0, Wx, Wh, b):
        return float((reference.rnn_forward(X, h0, {"Wx": Wx, "Wh": Wh, "b": b}) * dH).sum())

    def gradients(X, h0, Wx, Wh, b):
        given = {"Wx": Wx, "Wh": Wh, "b": b}
        dX, dh0, grads = rnn_backward(dH, X, h0, reference.rnn_forward(X, h0, given), given)
        return dX, dh0, grads["Wx"], grads["Wh"], grads["b"]

    assert_gradient(loss, gradients, X, h0, *params.values(), argument=(0, 1, 2, 3, 4))


### END HIDDEN TESTS

check("rnn_backward", points=6)

# %% mistake="rnn_backward" name="one-step-back" hint="Nothing comes back from later steps: each state gets only the loss's own gradient. Carry `a @ Wh.T` to the step before and add it there."
def rnn_backward(dH, X, h0, H, params):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        a = dH[:, t] * (1 - H[:, t] ** 2)
        grads["Wx"] += X[:, t].T @ a
        grads["Wh"] += (H[:, t - 1] if t else h0).T @ a
        grads["b"] += a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, later, grads


# %% mistake="rnn_backward" name="own-gradient-replaced" hint="What comes back from the next step replaces the loss's own gradient of the state. A state is used twice, so both count: add them."
def rnn_backward(dH, X, h0, H, params):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), dH[:, -1]
    for t in reversed(range(X.shape[1])):
        a = later * (1 - H[:, t] ** 2)
        grads["Wx"] += X[:, t].T @ a
        grads["Wh"] += (H[:, t - 1] if t else h0).T @ a
        grads["b"] += a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, later, grads


# %% mistake="rnn_backward" name="slope-forgotten" hint="The tanh's slope, 1 - h squared, is missing: the gradient passes the bend as if it were a straight line."
def rnn_backward(dH, X, h0, H, params):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        a = dH[:, t] + later
        grads["Wx"] += X[:, t].T @ a
        grads["Wh"] += (H[:, t - 1] if t else h0).T @ a
        grads["b"] += a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, later, grads


# %% mistake="rnn_backward" name="own-state-in-Wh" hint="Wh multiplied the state of the step BEFORE. You used the step's own state in its gradient: take H[:, t - 1], and h0 at the first step."
def rnn_backward(dH, X, h0, H, params):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        a = (dH[:, t] + later) * (1 - H[:, t] ** 2)
        grads["Wx"] += X[:, t].T @ a
        grads["Wh"] += H[:, t].T @ a
        grads["b"] += a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, later, grads


# %% mistake="rnn_backward" name="first-state-ignored" hint="At the first step the state before is h0. In your Wh gradient it is missing (or H[:, -1], the LAST state, slipped in: t - 1 is -1 when t is 0)."
def rnn_backward(dH, X, h0, H, params):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        a = (dH[:, t] + later) * (1 - H[:, t] ** 2)
        grads["Wx"] += X[:, t].T @ a
        if t:
            grads["Wh"] += H[:, t - 1].T @ a
        grads["b"] += a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, later, grads


# %% mistake="rnn_backward" name="assigned-not-added" hint="The gradients of the weights are replaced in every step, so only the first step's share is left. The same weights are used at every step: add up."
def rnn_backward(dH, X, h0, H, params):
    grads = {}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        a = (dH[:, t] + later) * (1 - H[:, t] ** 2)
        grads["Wx"] = X[:, t].T @ a
        grads["Wh"] = (H[:, t - 1] if t else h0).T @ a
        grads["b"] = a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, later, grads


# %% mistake="rnn_backward" name="forward-in-time" hint="Your loop runs from the first step to the last. The way back starts at the last step: what a state passes on must be known before the step before it can be done."
def rnn_backward(dH, X, h0, H, params):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in range(X.shape[1]):
        a = (dH[:, t] + later) * (1 - H[:, t] ** 2)
        grads["Wx"] += X[:, t].T @ a
        grads["Wh"] += (H[:, t - 1] if t else h0).T @ a
        grads["b"] += a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, later, grads


# %% mistake="rnn_backward" name="not-turned" hint="On the way back through a matrix product the weights are transposed: `a @ Wh.T`. Yours go through the same way as forward."
def rnn_backward(dH, X, h0, H, params):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        a = (dH[:, t] + later) * (1 - H[:, t] ** 2)
        grads["Wx"] += X[:, t].T @ a
        grads["Wh"] += (H[:, t - 1] if t else h0).T @ a
        grads["b"] += a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"]
    return dX, later, grads


# %% mistake="rnn_backward" name="h0-before-Wh" hint="Your dh0 is the gradient before the tanh of the first step. To reach h0 it must go back through Wh as well: a @ Wh.T."
def rnn_backward(dH, X, h0, H, params):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        a = (dH[:, t] + later) * (1 - H[:, t] ** 2)
        grads["Wx"] += X[:, t].T @ a
        grads["Wh"] += (H[:, t - 1] if t else h0).T @ a
        grads["b"] += a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, a, grads


# %% mistake="rnn_backward" name="units-summed" hint="You summed b's gradient over the units as well, to one number. Each unit has a bias of its own: sum over the examples only, axis 0."
def rnn_backward(dH, X, h0, H, params):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        a = (dH[:, t] + later) * (1 - H[:, t] ** 2)
        grads["Wx"] += X[:, t].T @ a
        grads["Wh"] += (H[:, t - 1] if t else h0).T @ a
        grads["b"] += a.sum()
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, later, grads


# %% mistake="rnn_backward" name="bent-again" hint="You took the tanh of H for the slope. H holds the states, which are tanh values already: the slope is 1 - H squared."
def rnn_backward(dH, X, h0, H, params):
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dX, later = np.zeros_like(X), np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        a = (dH[:, t] + later) * (1 - np.tanh(H[:, t]) ** 2)
        grads["Wx"] += X[:, t].T @ a
        grads["Wh"] += (H[:, t - 1] if t else h0).T @ a
        grads["b"] += a.sum(axis=0)
        dX[:, t] = a @ params["Wx"].T
        later = a @ params["Wh"].T
    return dX, later, grads


# %% variant="rnn_backward"
def rnn_backward(dH, X, h0, H, params):
    B, T, D = X.shape
    before = np.concatenate([h0[:, None], H[:, :-1]], axis=1)
    A, carry = np.zeros_like(H), np.zeros_like(h0)
    for t in range(T - 1, -1, -1):
        A[:, t] = (dH[:, t] + carry) * (1 - H[:, t] * H[:, t])
        carry = A[:, t].dot(params["Wh"].T)
    grads = {"Wx": np.einsum("btd,bth->dh", X, A), "Wh": np.einsum("btg,bth->gh", before, A), "b": A.sum((0, 1))}
    return A @ params["Wx"].T, carry, grads


# %% [markdown]
# ### See it: the memory fades, or blows up
#
# The loss looks at the last state only. How much does it still depend on the inputs before? The picture shows the size of the gradient of each input,
# next to that of the last one, from **your** `rnn_forward` and `rnn_backward`, with 32 units and random weights. The first slider scales $W_h$. Its *spectral radius*
# says by how much one more product with $W_h$ stretches a vector in the long run (it is the size of the largest eigenvalue). Below the dotted line the memory has faded,
# above it the gradient grows. Around a radius of 1 lies a narrow ridge, as in unit 05, only that here every step is a layer.

# %%
def through_time(radius, steps, bend_in):
    """How the gradient of the last state grows or shrinks on its way back through time."""
    dice = np.random.default_rng(0)
    W = dice.normal(size=(32, 32))
    params = {"Wx": dice.normal(size=(8, 32)) * bend_in, "Wh": W * radius / np.abs(np.linalg.eigvals(W)).max(), "b": np.zeros(32)}
    X, h0 = dice.normal(size=(16, steps, 8)), np.zeros((16, 32))
    H = rnn_forward(X, h0, params)
    dH = np.zeros_like(H)
    dH[:, -1] = 1.0 / 16
    dX, dh0, grads = rnn_backward(dH, X, h0, H, params)
    size = np.linalg.norm(dX, axis=(0, 2)) / np.linalg.norm(dX[:, -1])
    whole = np.sqrt(sum((g**2).sum() for g in grads.values()))
    clipped = written(clip_by_global_norm, list(grads.values()), 1.0)
    figure, axes = plot.figure(height=2.8)
    axes.semilogy(np.arange(-steps + 1, 1), size + 1e-30)
    axes.axhline(1.0, color="grey", ls=":")
    axes.set(xlabel="steps back in time", ylabel="gradient, last step = 1", ylim=(1e-8, 1e8))
    after = np.sqrt(sum((g**2).sum() for g in clipped))
    axes.set_title(f"all weights' gradient: norm {whole:.3g}, clipped to {after:.3g}")
    return figure


explore(
    through_time,
    radius=slider(0.9, 0.1, 3.0, 0.1, "spectral radius"),
    steps=slider(40, 5, 100, label="steps"),
    bend_in=choice({"small inputs (tanh nearly straight)": 0.02, "large inputs (tanh bends)": 0.5}, label="inputs"),
)

# %% [markdown]
# With small inputs a radius above 1 blows the gradient up: one such batch can throw all weights far away. Unit 04's clipping by the global norm is
# the cure, and the title shows it at work. With large inputs the tanh bends, its slope is below 1, and the gradient dies even at a radius of 1.
# Against dying, clipping does not help.
#
# **Question 1 (2 points).** Why is a vanishing gradient harder to notice than an exploding one, and what does it mean for what such a network can learn?

# %% [markdown] question="vanishing" points=2
# An exploding gradient shows: the loss jumps, or becomes NaN. A vanishing one does not: the gradients of the last few steps are healthy, the loss falls, the
# network learns what can be guessed from the last few signs, and looks fine. What it cannot learn is whatever depends on something long ago: the
# share of that in the gradient is too small to move a weight, however long one trains.

# %% [markdown]
# ## 4. A memory with doors: LSTM
#
# **In words.** Hochreiter and Schmidhuber (1997) gave the cell a second state $c$ that is not squeezed through a weight matrix at every step. It is
# *multiplied* by a number between 0 and 1, the forget gate, and something is *added*. If the gate is open, $c$ stays what it was, for as long as one likes, and so
# does its gradient. Three gates: what is kept ($f$), what is let in ($i$), what is shown ($o$).
#
# **In small numbers.** With all weights and biases 0 every gate is $\sigma(0) = 0.5$ and the new content is $\tanh(0) = 0$. From $c = 2$ comes
# $c' = 0.5 \cdot 2 + 0.5 \cdot 0 = 1$, and $h' = 0.5 \tanh(1) = 0.3808$.
#
# **In maths.** With $z = x W_x + h W_h + b$, $(B, 4H)$, cut along its second axis into four parts in PyTorch's order $z_i, z_f, z_g, z_o$, each $(B, H)$,
#
# $$i = \sigma(z_i), \quad f = \sigma(z_f), \quad g = \tanh(z_g), \quad o = \sigma(z_o), \qquad c' = f \odot c + i \odot g, \qquad h' = o \odot \tanh(c').$$
#
# **In code.** Write `lstm_step`. `params` holds `"Wx"` (D, 4H), `"Wh"` (H, 4H) and `"b"` (4H,).

# %% exercise="lstm_step" minutes=10 difficulty=2
def lstm_step(x, h, c, params):
    """One step of an LSTM: x (B, D), h and c (B, H). Gates in the order i, f, g, o. Returns the new (h, c)."""
    ### BEGIN SOLUTION
    z = x @ params["Wx"] + h @ params["Wh"] + params["b"]  # (B, 4H)
    i, f, g, o = np.split(z, 4, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c
    ### END SOLUTION


# %% check="lstm_step" points=5
def doors(i, f, g, o, c):
    """One unit without inputs, its four sums given: (h', c')."""
    params = {"Wx": np.zeros((1, 4)), "Wh": np.zeros((1, 4)), "b": np.array([i, f, g, o])}
    return lstm_step(np.zeros((1, 1)), np.zeros((1, 1)), np.array([[c]]), params)


def both(h, c):
    return np.array([[h]]), np.array([[c]])


def test_all_zero():
    "all weights 0, as in the text"
    assert_close(doors(0.0, 0.0, 0.0, 0.0, 2.0), both(0.5 * np.tanh(1.0), 1.0))


def test_keep():
    "the forget gate open, nothing let in: the cell keeps what it has"
    assert_close(doors(SHUT, OPEN, 1.0, OPEN, 2.0), both(np.tanh(2.0), 2.0))


def test_write():
    "the forget gate shut, the input gate open: the cell takes the new content"
    assert_close(doors(OPEN, SHUT, 1.0, OPEN, 2.0), both(np.tanh(np.tanh(1.0)), np.tanh(1.0)))


def test_hide():
    "the output gate shut: nothing shows, the cell goes on"
    assert_close(doors(OPEN, OPEN, 1.0, SHUT, 2.0), both(0.0, 2.0 + np.tanh(1.0)))


def test_two_units():
    "two units and two examples: each part of the sums is H wide"
    params = {"Wx": np.array([[0.0, 0, OPEN, SHUT, 1, -1, 0, 0]]), "Wh": np.zeros((2, 8)), "b": np.zeros(8)}
    x, h, c = np.array([[1.0], [0.0]]), np.zeros((2, 2)), np.array([[2.0, 4.0], [2.0, 4.0]])
    new = np.array([[2.0, 0.0], [1.0, 2.0]]) + 0.5 * np.array([[np.tanh(0.0) + np.tanh(1.0), np.tanh(-1.0)], [0.0, 0.0]])
    new[0] = [2.0 + 0.5 * 0 + 0.5 * np.tanh(1.0), 0.5 * np.tanh(-1.0)]
    assert_close(lstm_step(x, h, c, params), (0.5 * np.tanh(new), new))


### BEGIN HIDDEN TESTS
def test_torch():
    "PyTorch's LSTMCell with the same weights"
    params = dice_params(rng, 3, 5, gates=4)
    cell = nn.LSTMCell(3, 5).double()
    with torch.no_grad():
        cell.weight_ih.copy_(torch.from_numpy(params["Wx"].T))
        cell.weight_hh.copy_(torch.from_numpy(params["Wh"].T))
        cell.bias_ih.copy_(torch.from_numpy(params["b"]))
        cell.bias_hh.zero_()
        x, h, c = rng.normal(size=(4, 3)), rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
        expected = cell(torch.from_numpy(x), (torch.from_numpy(h), torch.from_numpy(c)))
    assert_close(lstm_step(x, h, c, params), tuple(e.numpy() for e in expected))


def test_far_out():
    "sums of a thousand, without overflow"
    h, c = doors(1000.0, -1000.0, 1.0, 1000.0, 3.0)
    assert_close((h, c), both(np.tanh(np.tanh(1.0)), np.tanh(1.0)))


### END HIDDEN TESTS

check("lstm_step", points=5)

# %% mistake="lstm_step" name="other-order" hint="The four parts are taken in another order. It is i, f, g, o here, as in PyTorch: input gate, forget gate, new content, output gate."
def lstm_step(x, h, c, params):
    z = x @ params["Wx"] + h @ params["Wh"] + params["b"]
    f, i, o, g = np.split(z, 4, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


# %% mistake="lstm_step" name="content-through-sigmoid" hint="The new content g goes through a sigmoid in your cell, so nothing can ever be taken away from c. It is tanh: from -1 to 1."
def lstm_step(x, h, c, params):
    z = x @ params["Wx"] + h @ params["Wh"] + params["b"]
    i, f, g, o = (0.5 + 0.5 * np.tanh(v / 2) for v in np.split(z, 4, axis=1))
    c = f * c + i * g
    return o * np.tanh(c), c


# %% mistake="lstm_step" name="old-cell-shown" hint="You show the OLD cell: h is computed from c before it is changed. First the new c, then h from it."
def lstm_step(x, h, c, params):
    z = x @ params["Wx"] + h @ params["Wh"] + params["b"]
    i, f, g, o = np.split(z, 4, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    return sigmoid(o) * np.tanh(c), sigmoid(f) * c + sigmoid(i) * np.tanh(g)


# %% mistake="lstm_step" name="cell-not-bent" hint="The cell is shown as it is. It can grow without bound, so it is squeezed before it is shown: o * tanh(c)."
def lstm_step(x, h, c, params):
    z = x @ params["Wx"] + h @ params["Wh"] + params["b"]
    i, f, g, o = np.split(z, 4, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * c, c


# %% mistake="lstm_step" name="forget-turned-round" hint="Your forget gate works the wrong way round: open means KEEP. The old cell is multiplied by f, not by 1 - f."
def lstm_step(x, h, c, params):
    z = x @ params["Wx"] + h @ params["Wh"] + params["b"]
    i, f, g, o = np.split(z, 4, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    c = (1 - sigmoid(f)) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


# %% mistake="lstm_step" name="every-fourth" hint="You took every fourth column for a gate. The four parts lie side by side, each H wide: columns 0 to H - 1 are i, and so on. np.split cuts them."
def lstm_step(x, h, c, params):
    z = x @ params["Wx"] + h @ params["Wh"] + params["b"]
    i, f, g, o = (z[:, k::4] for k in range(4))
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


# %% mistake="lstm_step" name="answers-swapped" hint="The answer is (h, c), the state that is shown first. Yours come the other way round."
def lstm_step(x, h, c, params):
    z = x @ params["Wx"] + h @ params["Wh"] + params["b"]
    i, f, g, o = np.split(z, 4, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return c, sigmoid(o) * np.tanh(c)


# %% mistake="lstm_step" name="rows-cut" hint="You cut z into four groups of rows: rows are examples. The gates lie side by side in the columns: cut along axis 1."
def lstm_step(x, h, c, params):
    z = x @ params["Wx"] + h @ params["Wh"] + params["b"]
    H = h.shape[1]
    i, f, g, o = z[:H], z[H : 2 * H], z[2 * H : 3 * H], z[3 * H :]
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


# %% variant="lstm_step"
def lstm_step(x, h, c, params):
    H = h.shape[1]
    z = np.concatenate([x, h], axis=1) @ np.concatenate([params["Wx"], params["Wh"]]) + params["b"]
    gate = 1 / (1 + np.exp(-np.clip(z, -500, 500)))
    new = gate[:, H : 2 * H] * c + gate[:, :H] * np.tanh(z[:, 2 * H : 3 * H])
    return gate[:, 3 * H :] * np.tanh(new), new


# %% [markdown]
# ### See it: open and shut the doors
#
# One unit of **your** `lstm_step`. At step 5 something is let in; later inputs are noise, and the input gate is shut to them. The sliders are the sums that go
# into the other two gates. With $f = 0.5$ the cell halves at every step, and is no better than the unit of section 2. What does the forget gate need to
# keep half of it until step 40? And what does the output gate change: what is remembered, or what is seen of it?

# %%
def doors_over_time(forget, show):
    """One LSTM unit that is written to at step 5: what it keeps, and what it shows."""
    dice, h, c, kept = np.random.default_rng(0), np.zeros((1, 1)), np.zeros((1, 1)), []
    params = {"Wx": np.array([[20.0, 0.0, 2.0, 0.0]]), "Wh": np.zeros((1, 4)), "b": np.array([-15.0, forget, 0.0, show])}
    for t in range(1, 41):
        x = 1.0 if t == 5 else dice.uniform(-0.5, 0.5)
        h, c = lstm_step(np.array([[x]]), h, c, params)
        kept.append((c[0, 0], h[0, 0]))
    figure, axes = plot.figure(height=2.6)
    axes.plot(range(1, 41), kept, "o-", ms=3, label=["cell c", "shown: h"])
    f, o = 1 / (1 + np.exp(-forget)), 1 / (1 + np.exp(-show))
    axes.set(xlabel="step", ylabel="value", ylim=(-0.1, 1.25), title=f"forget gate f = {f:.3f}, output gate o = {o:.3f}")
    axes.legend(loc="upper right", ncols=2)
    return figure


explore(doors_over_time, forget=slider(2.0, -2.0, 8.0, 0.5, "sum at the forget gate"), show=slider(0.0, -6.0, 6.0, 0.5, "sum at the output gate"))

# %% [markdown]
# The gradient of $c$ is multiplied by the same $f$ on its way back: a cell that keeps its content keeps its gradient.

# %% [markdown]
# ## 5. Two doors are enough: GRU
#
# **In words.** Cho and others (2014) do with one state and two gates. The update gate $z$ says how much of the old state stays; the reset gate $r$ says how much of it
# the new content may look at.
#
# **In small numbers.** With all weights and biases 0: $r = z = 0.5$, the new content is $n = \tanh(0) = 0$, and $h = 2$ becomes
# $h' = 0.5 \cdot 0 + 0.5 \cdot 2 = 1$.
#
# **In maths.** Two sums, each $(B, 3H)$ and cut in three in PyTorch's order $r, z, n$: $u = x W_x + b_x$ and $v = h W_h + b_h$. Then
#
# $$r = \sigma(u_r + v_r), \quad z = \sigma(u_z + v_z), \quad n = \tanh(u_n + r \odot v_n), \qquad h' = (1 - z) \odot n + z \odot h .$$
#
# Note that $r$ multiplies $v_n$, bias included: that is why there are two biases.
#
# **In code.** Write `gru_step`. `params` holds `"Wx"` (D, 3H), `"Wh"` (H, 3H), `"bx"` and `"bh"` (3H,).

# %% exercise="gru_step" minutes=10 difficulty=2
def gru_step(x, h, params):
    """One step of a GRU: x (B, D), h (B, H). Gates in the order r, z, n. Returns the new h, (B, H)."""
    ### BEGIN SOLUTION
    ur, uz, un = np.split(x @ params["Wx"] + params["bx"], 3, axis=1)
    vr, vz, vn = np.split(h @ params["Wh"] + params["bh"], 3, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    z = sigmoid(uz + vz)
    n = np.tanh(un + sigmoid(ur + vr) * vn)
    return (1 - z) * n + z * h
    ### END SOLUTION


# %% check="gru_step" points=5
def gates(r, z, un, vn, h):
    """One unit without inputs, its sums given: h'."""
    params = {"Wx": np.zeros((1, 3)), "Wh": np.zeros((1, 3)), "bx": np.array([r, z, un]), "bh": np.array([0.0, 0.0, vn])}
    return gru_step(np.zeros((1, 1)), np.array([[h]]), params)


def test_zero():
    "all weights 0, as in the text"
    assert_close(gates(0.0, 0.0, 0.0, 0.0, 2.0), np.array([[1.0]]))


def test_keep():
    "the update gate open: the state stays what it was"
    assert_close(gates(0.0, OPEN, 1.0, 0.0, 2.0), np.array([[2.0]]))


def test_new():
    "the update gate shut: the new content alone"
    assert_close(gates(0.0, SHUT, 1.0, 0.0, 2.0), np.array([[np.tanh(1.0)]]))


def test_reset():
    "the reset gate half open, and shut: it weighs what the content sees of the state, bias included"
    assert_close(gates(0.0, SHUT, 0.25, 1.0, 2.0), np.array([[np.tanh(0.75)]]))
    assert_close(gates(SHUT, SHUT, 0.25, 1.0, 2.0), np.array([[np.tanh(0.25)]]))


def test_state_seen():
    "the state goes through Wh, is weighed, then added"
    params = {"Wx": np.array([[0.0, SHUT, 0.5]]), "Wh": np.array([[0.0, 0.0, 3.0]]), "bx": np.zeros(3), "bh": np.zeros(3)}
    assert_close(gru_step(np.array([[1.0]]), np.array([[0.2]]), params), np.array([[np.tanh(0.5 + 0.5 * 0.6)]]))


### BEGIN HIDDEN TESTS
def test_torch():
    "PyTorch's GRUCell with the same weights"
    params = dice_params(rng, 3, 5, gates=3, both=True)
    cell = nn.GRUCell(3, 5).double()
    with torch.no_grad():
        for name, key in (("weight_ih", "Wx"), ("weight_hh", "Wh"), ("bias_ih", "bx"), ("bias_hh", "bh")):
            getattr(cell, name).copy_(torch.from_numpy(params[key].T))
        x, h = rng.normal(size=(4, 3)), rng.normal(size=(4, 5))
        expected = cell(torch.from_numpy(x), torch.from_numpy(h)).numpy()
    assert_close(gru_step(x, h, params), expected)


### END HIDDEN TESTS

check("gru_step", points=5)

# %% mistake="gru_step" name="update-turned-round" hint="Your update gate works the wrong way round. In PyTorch's form, used here, z open means: keep the old state, z * h, and (1 - z) of the new content."
def gru_step(x, h, params):
    ur, uz, un = np.split(x @ params["Wx"] + params["bx"], 3, axis=1)
    vr, vz, vn = np.split(h @ params["Wh"] + params["bh"], 3, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    z = sigmoid(uz + vz)
    n = np.tanh(un + sigmoid(ur + vr) * vn)
    return z * n + (1 - z) * h


# %% mistake="gru_step" name="reset-forgotten" hint="The reset gate is not used: the new content sees all of the state. Multiply vn by r before it is added."
def gru_step(x, h, params):
    ur, uz, un = np.split(x @ params["Wx"] + params["bx"], 3, axis=1)
    vr, vz, vn = np.split(h @ params["Wh"] + params["bh"], 3, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    z = sigmoid(uz + vz)
    return (1 - z) * np.tanh(un + vn) + z * h


# %% mistake="gru_step" name="bias-not-reset" hint="The bias bh of the new content is not weighed by r in your cell. Here r multiplies the whole of v_n, bias included."
def gru_step(x, h, params):
    ur, uz, un = np.split(x @ params["Wx"] + params["bx"] + params["bh"], 3, axis=1)
    vr, vz, vn = np.split(h @ params["Wh"], 3, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    z = sigmoid(uz + vz)
    n = np.tanh(un + sigmoid(ur + vr) * vn)
    return (1 - z) * n + z * h


# %% mistake="gru_step" name="gates-swapped" hint="Reset and update gate have changed places: the order is r, z, n."
def gru_step(x, h, params):
    uz, ur, un = np.split(x @ params["Wx"] + params["bx"], 3, axis=1)
    vz, vr, vn = np.split(h @ params["Wh"] + params["bh"], 3, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    z = sigmoid(uz + vz)
    n = np.tanh(un + sigmoid(ur + vr) * vn)
    return (1 - z) * n + z * h


# %% mistake="gru_step" name="content-not-bent" hint="The new content is not bent: it goes through tanh, so that the state stays between -1 and 1."
def gru_step(x, h, params):
    ur, uz, un = np.split(x @ params["Wx"] + params["bx"], 3, axis=1)
    vr, vz, vn = np.split(h @ params["Wh"] + params["bh"], 3, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    z = sigmoid(uz + vz)
    return (1 - z) * (un + sigmoid(ur + vr) * vn) + z * h


# %% mistake="gru_step" name="reset-on-everything" hint="The reset gate weighs the input's share too. It only weighs what comes from the old state, v_n."
def gru_step(x, h, params):
    ur, uz, un = np.split(x @ params["Wx"] + params["bx"], 3, axis=1)
    vr, vz, vn = np.split(h @ params["Wh"] + params["bh"], 3, axis=1)
    sigmoid = lambda v: 0.5 + 0.5 * np.tanh(v / 2)
    z = sigmoid(uz + vz)
    n = np.tanh(sigmoid(ur + vr) * (un + vn))
    return (1 - z) * n + z * h


# %% variant="gru_step"
def gru_step(x, h, params):
    H = h.shape[1]
    u, v = x @ params["Wx"] + params["bx"], h @ params["Wh"] + params["bh"]
    both = 1 / (1 + np.exp(-(u[:, : 2 * H] + v[:, : 2 * H])))
    r, z = both[:, :H], both[:, H:]
    n = np.tanh(u[:, 2 * H :] + r * v[:, 2 * H :])
    return n + z * (h - n)


# %% [markdown]
# ## 6. A model of text
#
# **In words.** Now in PyTorch, with PyTorch's own GRU, which is your `gru_step` in a fast loop. Three layers: an *embedding*, a table with a row of $D$ numbers for each
# sign, learned like any weights; the recurrent layer; and a linear layer, the *head*, that makes a score for each sign that may come next.
#
# **In small numbers.** A batch of 2 texts of 3 signs is a tensor (2, 3) of whole numbers. The embedding makes (2, 3, D) of it, the GRU (2, 3, H), the head
# (2, 3, V): for each of the six places a score for each sign.
#
# The state is handed in and handed back, so that a long text can be read in pieces as if it were in one: reading `abcd` must give the same scores
# as reading `ab`, then `cd` with the state that came back.
#
# **In code.** Write `CharRNN`. The embedding is called with the numbers of the signs. Say `nn.GRU(..., batch_first=True)`, or PyTorch takes the first axis for time.
# It is called with its inputs and a state (None: begin with zeros), and returns two things: the states of all steps, (B, T, H), and the last one, (1, B, H).

# %% exercise="CharRNN" minutes=8 difficulty=2
class CharRNN(nn.Module):
    """A model of text: for every place the scores of the sign that comes next.

    Attributes:
        embed: nn.Embedding(V, D).  rnn: nn.GRU from D to H.  head: nn.Linear(H, V).
    """

    def __init__(self, V, D, H):
        super().__init__()
        ### BEGIN SOLUTION
        self.embed = nn.Embedding(V, D)
        self.rnn = nn.GRU(D, H, batch_first=True)
        self.head = nn.Linear(H, V)
        ### END SOLUTION

    def forward(self, tokens, state=None):
        """tokens: int64 tensor (B, T).  state: None, or (1, B, H) from an earlier call.
        Returns scores (B, T, V), and the state after the last sign, (1, B, H)."""
        ### BEGIN SOLUTION
        out, state = self.rnn(self.embed(tokens), state)  # (B, T, H), (1, B, H)
        return self.head(out), state
        ### END SOLUTION


# %% check="CharRNN" points=4
@inside
def read(pieces, sizes=(5, 3, 4), turn=1.0):
    """Scores and last state of a model with given weights, for a text that is read in pieces."""
    net = CharRNN(*sizes).double()
    with torch.no_grad():
        for k, part in enumerate((net.embed, net.rnn, net.head)):
            for j, p in enumerate(part.parameters()):
                p.copy_(torch.sin(torch.arange(p.numel(), dtype=torch.float64) * turn + k + j).reshape(p.shape))
        state, scores = None, []
        for piece in pieces:
            given = torch.tensor(piece)
            answer = net(given, state)
            assert isinstance(answer, tuple | list) and len(answer) == 2, "forward returns two things: the scores, and the state."
            out, state = answer
            scores.append(out)
            assert given.tolist() == piece.tolist(), "The model changed the signs that it was given."
        whole = torch.cat(scores, dim=1)
    return whole.numpy(), state.numpy(), [p.numel() for p in net.parameters()]


def by_hand(tokens, sizes=(5, 3, 4), turn=1.0):
    """The same with NumPy."""
    V, D, H = sizes

    def wave(shape, k, j):
        return np.sin(np.arange(np.prod(shape)) * turn + k + j).reshape(shape)

    def sigmoid(v):
        return 0.5 + 0.5 * np.tanh(v / 2)

    E, Wi, Wh, bi, bh = wave((V, D), 0, 0), wave((3 * H, D), 1, 0), wave((3 * H, H), 1, 1), wave((3 * H,), 1, 2), wave((3 * H,), 1, 3)
    W, b = wave((V, H), 2, 0), wave((V,), 2, 1)
    h, out = np.zeros((len(tokens), H)), []
    for t in range(tokens.shape[1]):
        u, v = E[tokens[:, t]] @ Wi.T + bi, h @ Wh.T + bh
        r, z = sigmoid(u[:, :H] + v[:, :H]), sigmoid(u[:, H : 2 * H] + v[:, H : 2 * H])
        h = (1 - z) * np.tanh(u[:, 2 * H :] + r * v[:, 2 * H :]) + z * h
        out.append(h @ W.T + b)
    return np.stack(out, axis=1), h[None]


WORDS = np.array([[0, 3, 1, 4], [2, 2, 0, 1]])


def test_scores():
    "two texts of four signs: a score for every sign at every place"
    scores, state, sizes = read([WORDS])
    assert_close(scores, by_hand(WORDS)[0])


def test_state():
    "the state after the last sign comes back"
    scores, state, sizes = read([WORDS])
    assert_close(state, by_hand(WORDS)[1])


def test_in_pieces():
    "read in two pieces, as if in one"
    scores, state, sizes = read([WORDS[:, :1], WORDS[:, 1:]])
    assert_close((scores, state), by_hand(WORDS))


### BEGIN HIDDEN TESTS
def test_other_sizes():
    "other sizes, and as many parameters as these need"
    words = rng.integers(0, 7, size=(3, 5))
    scores, state, sizes = read([words[:, :2], words[:, 2:]], (7, 2, 6), 0.7)
    assert_close((scores, state), by_hand(words, (7, 2, 6), 0.7))
    assert sum(sizes) == 7 * 2 + 18 * 2 + 18 * 6 + 36 + 7 * 6 + 7


### END HIDDEN TESTS

check("CharRNN", points=4)

# %% mistake="CharRNN" name="batch-as-time" hint="Examples and time have changed places in the recurrent layer: the texts of a batch are read one after the other. Say batch_first=True."
class CharRNN(nn.Module):
    def __init__(self, V, D, H):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(V, D), nn.GRU(D, H), nn.Linear(H, V)

    def forward(self, tokens, state=None):
        out, last = self.rnn(self.embed(tokens))
        return self.head(out), last


# %% mistake="CharRNN" name="state-ignored" hint="The state that is handed in is not used, so each piece is read as if nothing had come before. Give it to the recurrent layer."
class CharRNN(nn.Module):
    def __init__(self, V, D, H):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(V, D), nn.GRU(D, H, batch_first=True), nn.Linear(H, V)

    def forward(self, tokens, state=None):
        out, state = self.rnn(self.embed(tokens))
        return self.head(out), state


# %% mistake="CharRNN" name="old-state-returned" hint="You hand back the state that came in, not the one after the last sign. The recurrent layer returns it as its second answer."
class CharRNN(nn.Module):
    def __init__(self, V, D, H):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(V, D), nn.GRU(D, H, batch_first=True), nn.Linear(H, V)

    def forward(self, tokens, state=None):
        if state is None:
            state = torch.zeros(1, len(tokens), self.rnn.hidden_size, dtype=self.head.weight.dtype)
        out, _ = self.rnn(self.embed(tokens), state)
        return self.head(out), state


# %% mistake="CharRNN" name="last-place-only" hint="There are scores for the last place only. Every place has a next sign to be guessed: put the head on all of the states."
class CharRNN(nn.Module):
    def __init__(self, V, D, H):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(V, D), nn.GRU(D, H, batch_first=True), nn.Linear(H, V)

    def forward(self, tokens, state=None):
        out, state = self.rnn(self.embed(tokens), state)
        return self.head(out[:, -1:]), state


# %% mistake="CharRNN" name="probabilities" hint="You return probabilities. The loss wants scores: cross_entropy takes the softmax itself."
class CharRNN(nn.Module):
    def __init__(self, V, D, H):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(V, D), nn.GRU(D, H, batch_first=True), nn.Linear(H, V)

    def forward(self, tokens, state=None):
        out, state = self.rnn(self.embed(tokens), state)
        return self.head(out).softmax(dim=-1), state


# %% mistake="CharRNN" name="head-on-embedding" hint="The head looks at the embeddings, so the recurrent layer has no say: each score depends on one sign alone. Put the head on the GRU's output."
class CharRNN(nn.Module):
    def __init__(self, V, D, H):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(V, D), nn.GRU(D, H, batch_first=True), nn.Linear(H, V)

    def forward(self, tokens, state=None):
        x = self.embed(tokens)
        out, state = self.rnn(x, state)
        return nn.functional.pad(x, (0, out.shape[-1] - x.shape[-1])) @ self.head.weight.T + self.head.bias, state


# %% mistake="CharRNN" name="plain-rnn" hint="The recurrent layer has no gates: it is an nn.RNN. Take nn.GRU, the cell that you wrote."
class CharRNN(nn.Module):
    def __init__(self, V, D, H):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(V, D), nn.RNN(D, H, batch_first=True), nn.Linear(H, V)

    def forward(self, tokens, state=None):
        states, state = self.rnn(self.embed(tokens), state)
        return self.head(states), state


# %% mistake="CharRNN" name="scores-alone" hint="You return the scores alone. The state must come back too, or nobody can go on reading: return both."
class CharRNN(nn.Module):
    def __init__(self, V, D, H):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(V, D), nn.GRU(D, H, batch_first=True), nn.Linear(H, V)

    def forward(self, tokens, state=None):
        states, state = self.rnn(self.embed(tokens), state)
        return self.head(states)


# %% variant="CharRNN"
class CharRNN(nn.Module):
    def __init__(self, V, D, H):
        super().__init__()
        self.embed = nn.Embedding(V, D)
        self.rnn = nn.GRU(input_size=D, hidden_size=H)
        self.head = nn.Linear(H, V)

    def forward(self, tokens, state=None):
        x = self.embed(tokens.T)  # (T, B, D)
        states, state = self.rnn(x, state)
        return self.head(states).transpose(0, 1), state


# %% [markdown]
# ## 7. Let it write
#
# **In words.** The model gives scores for the next sign. Draw one from their softmax, feed it back in, and so on. The *temperature* divides the scores before the
# softmax: below 1 the likely becomes likelier, above 1 everything becomes possible. At 0 there is nothing to draw: take the highest score.
#
# **In small numbers.** Scores $(\ln 1, \ln 2)$ are probabilities $(1/3, 2/3)$. At temperature 0.5 the scores double: $(\ln 1, \ln 4)$, so $(1/5, 4/5)$.
#
# Read each sign once and carry the state: first the start, then each new sign as soon as it is drawn. Reading the whole text again for every sign would give the same,
# in a time that grows with the square of its length.
#
# **In code.** Write `sample`, under `torch.no_grad()`: nothing is learned here. Only the scores at the last place say what comes next. Compute the probabilities in
# double precision and draw with `rng.choice(V, p=p)`.

# %% exercise="sample" minutes=12 difficulty=3
def sample(model, start, length, temperature, rng):
    """Let a model go on with a text.

    Args:
        model: called with tokens (B, T) and a state, it returns scores (B, T, V) and a state, as CharRNN does.
        start: a list of whole numbers, at least one: the text so far.
        length: how many signs to add.
        temperature: at least 0; 0 takes the sign with the highest score.
        rng: a NumPy Generator.

    Returns:
        The list of the new signs alone, `length` whole numbers.
    """
    ### BEGIN SOLUTION
    written_so_far, state = [], None
    given = torch.tensor([list(start)])
    with torch.no_grad():
        for _ in range(length):
            scores, state = model(given, state)
            z = scores[0, -1].double().numpy()  # (V,), after the last sign
            if temperature == 0:
                new = int(z.argmax())
            else:
                p = np.exp((z - z.max()) / temperature)
                new = int(rng.choice(len(z), p=p / p.sum()))
            written_so_far.append(new)
            given = torch.tensor([[new]])
    return written_so_far
    ### END SOLUTION


# %% check="sample" points=5
@inside
def counted(start, length, temperature=0, V=7):
    """What is sampled from a model whose favourite is (number of signs read + last sign) mod V, and how it was fed."""
    fed = []

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, tokens, state=None):
            fed.append([tokens.tolist()[0], state is not None])
            seen = torch.zeros(1, 1, 1) if state is None else state
            places = torch.arange(1, tokens.shape[1] + 1) + int(seen.item())
            favourite = (places + tokens[0]) % V
            scores = torch.zeros(1, tokens.shape[1], V)
            scores[0, torch.arange(tokens.shape[1]), favourite] = 5.0
            return scores + self.weight, seen + tokens.shape[1]

    given = list(start)
    new = sample(Counting(), given, length, temperature, np.random.default_rng(0))
    assert given == list(start), "sample changed the list `start`."
    return [int(i) for i in new], fed


@inside
def shares(scores, temperature, count, seed):
    """How often each sign is drawn from fixed scores."""

    class Fixed(nn.Module):
        def forward(self, tokens, state=None):
            return torch.tensor(scores).expand(1, tokens.shape[1], -1), torch.zeros(1, 1, 1)

    start = [0]
    new = sample(Fixed(), start, count, temperature, np.random.default_rng(seed))
    assert start == [0], "sample changed the list `start`."
    return np.bincount(new, minlength=len(scores)) / count


def continued(start, length, V=7):
    signs = list(start)
    for _ in range(length):
        signs.append((len(signs) + signs[-1]) % V)
    return signs[len(start) :]


def test_highest():
    "temperature 0: the highest score, sign after sign, the new ones alone"
    new, fed = counted([3], 6)
    assert_close(new, continued([3], 6))


def test_longer_start():
    "a start of three signs"
    new, fed = counted([1, 4, 2], 5)
    assert_close(new, continued([1, 4, 2], 5))


def test_one_at_a_time():
    "what the model reads: each sign once, with the state that came back"
    new, fed = counted([1, 4, 2], 4)
    read = [sign for tokens, state in fed for sign in tokens]
    assert read[:6] == [1, 4, 2, *new][:6], "Feed the start, then each new sign alone."
    assert [state for tokens, state in fed][:4] == [False, True, True, True], "Hand the state from call to call."
    assert_close(new, continued([1, 4, 2], 4))


def test_temperature():
    "scores of ln 1 and ln 2: two thirds at temperature 1, four fifths at 0.5"
    scores = [0.0, float(np.log(2.0))]
    assert_close([shares(scores, 1.0, 3000, 1)[1], shares(scores, 0.5, 3000, 2)[1]], [2 / 3, 4 / 5], atol=0.03)


def test_hot():
    "temperature 2: nearly even"
    assert_close(shares([0.0, float(np.log(4.0)), -50.0], 2.0, 3000, 3), np.array([1 / 3, 2 / 3, 0.0]), atol=0.03)


def test_dice():
    "the same dice, the same text; other dice, another one"
    a, b, c = (shares([0.0, 0.1, 0.2], 1.0, 200, seed) for seed in (5, 5, 6))
    assert np.all(a == b), "With the same dice another text came: draw from `rng`, not from dice of torch or of your own."
    assert np.any(a != c), "The dice are always the same: draw from `rng`."
    assert_close(a, np.exp([0.0, 0.1, 0.2]) / np.exp([0.0, 0.1, 0.2]).sum(), atol=0.12)


### BEGIN HIDDEN TESTS
def test_large_scores():
    "scores of a thousand, without overflow"
    assert_close(shares([1000.0, 1000.0 + float(np.log(3.0))], 1.0, 2000, 4), np.array([0.25, 0.75]), atol=0.04)


### END HIDDEN TESTS

check("sample", points=5)

# %% mistake="sample" name="start-included" hint="The start stands in your answer. Return the new signs alone."
def sample(model, start, length, temperature, rng):
    new, state, given = list(start), None, torch.tensor([list(start)])
    with torch.no_grad():
        for _ in range(length):
            scores, state = model(given, state)
            z = scores[0, -1].double().numpy()
            p = np.exp((z - z.max()) / temperature) if temperature else (z == z.max()).astype(float)
            new.append(int(rng.choice(len(z), p=p / p.sum())))
            given = torch.tensor([[new[-1]]])
    return new


# %% mistake="sample" name="state-dropped" hint="The state is thrown away after each sign, so the model remembers nothing but the last one. Keep what the call returns, and hand it to the next."
def sample(model, start, length, temperature, rng):
    new, given = [], torch.tensor([list(start)])
    with torch.no_grad():
        for _ in range(length):
            scores, _ = model(given, None)
            z = scores[0, -1].double().numpy()
            p = np.exp((z - z.max()) / temperature) if temperature else (z == z.max()).astype(float)
            new.append(int(rng.choice(len(z), p=p / p.sum())))
            given = torch.tensor([[new[-1]]])
    return new


# %% mistake="sample" name="everything-again" hint="You feed the whole text again for every sign AND hand over the state, so the model reads the beginning over and over as if it came again. After the start, feed the new sign alone."
def sample(model, start, length, temperature, rng):
    new, state = [], None
    with torch.no_grad():
        for _ in range(length):
            scores, state = model(torch.tensor([list(start) + new]), state)
            z = scores[0, -1].double().numpy()
            p = np.exp((z - z.max()) / temperature) if temperature else (z == z.max()).astype(float)
            new.append(int(rng.choice(len(z), p=p / p.sum())))
    return new


# %% mistake="sample" name="first-place" hint="You take the scores of the FIRST place of what was fed. The next sign is guessed after the last: index -1."
def sample(model, start, length, temperature, rng):
    new, state, given = [], None, torch.tensor([list(start)])
    with torch.no_grad():
        for _ in range(length):
            scores, state = model(given, state)
            z = scores[0, 0].double().numpy()
            p = np.exp((z - z.max()) / temperature) if temperature else (z == z.max()).astype(float)
            new.append(int(rng.choice(len(z), p=p / p.sum())))
            given = torch.tensor([[new[-1]]])
    return new


# %% mistake="sample" name="multiplied" hint="You multiplied by the temperature, so hot is cold and cold is hot. Divide the scores by it."
def sample(model, start, length, temperature, rng):
    new, state, given = [], None, torch.tensor([list(start)])
    with torch.no_grad():
        for _ in range(length):
            scores, state = model(given, state)
            z = scores[0, -1].double().numpy()
            p = np.exp((z - z.max()) * temperature) if temperature else (z == z.max()).astype(float)
            new.append(int(rng.choice(len(z), p=p / p.sum())))
            given = torch.tensor([[new[-1]]])
    return new


# %% mistake="sample" name="always-the-highest" hint="You always take the highest score, whatever the temperature is. That is right at 0 only: otherwise draw, with rng.choice."
def sample(model, start, length, temperature, rng):
    new, state, given = [], None, torch.tensor([list(start)])
    with torch.no_grad():
        for _ in range(length):
            scores, state = model(given, state)
            new.append(int(scores[0, -1].argmax()))
            given = torch.tensor([[new[-1]]])
    return new


# %% mistake="sample" name="zero-division" hint="At temperature 0 you divide by 0, and the probabilities are NaN. Treat it apart: take the highest score."
def sample(model, start, length, temperature, rng):
    new, state, given = [], None, torch.tensor([list(start)])
    with torch.no_grad():
        for _ in range(length):
            scores, state = model(given, state)
            z = scores[0, -1].double().numpy()
            p = np.exp((z - z.max()) / temperature)
            new.append(int(rng.choice(len(z), p=p / p.sum())))
            given = torch.tensor([[new[-1]]])
    return new


# %% mistake="sample" name="gradients-kept" hint="The scores still carry the way back to the weights, and NumPy cannot. Nothing is learned here: call the model under torch.no_grad()."
def sample(model, start, length, temperature, rng):
    new, state, given = [], None, torch.tensor([list(start)])
    for _ in range(length):
        scores, state = model(given, state)
        z = scores[0, -1].double().numpy()
        p = np.exp((z - z.max()) / temperature) if temperature else (z == z.max()).astype(float)
        new.append(int(rng.choice(len(z), p=p / p.sum())))
        given = torch.tensor([[new[-1]]])
    return new


# %% variant="sample"
@torch.no_grad()
def sample(model, start, length, temperature, rng):
    state, new = None, []
    for sign in start:
        scores, state = model(torch.tensor([[sign]]), state)
    for _ in range(length):
        z = scores[0, -1].double()
        if temperature == 0:
            new.append(int(z.argmax()))
        else:
            new.append(int(rng.choice(len(z), p=torch.softmax(z / temperature, 0).numpy())))
        scores, state = model(torch.tensor([[new[-1]]]), state)
    return new


# %% variant="sample"
@torch.no_grad()
def sample(model, start, length, temperature, rng):
    scores, state = model(torch.as_tensor(np.array([start])), None)
    new = []
    while len(new) < length:
        z = np.array(scores[0, -1], dtype=float)
        if temperature > 0:
            z = z / temperature + rng.gumbel(size=len(z))  # the highest of scores plus Gumbel noise is a draw from their softmax
        new.append(int(np.argmax(z)))
        scores, state = model(torch.tensor([new[-1:]]), state)
    return new


# %% [markdown]
# ## 8. The result: the Python manual
#
# The text is cut into 32 long strips that are read side by side, 64 signs at a time. The state is carried from piece to piece, but the way back ends at the piece's
# beginning: *truncated* back-propagation through time. The norm of the gradients is clipped to 1. Then the trained model is judged on 20,000 signs that it has never seen,
# and compared with **your** n-grams. It takes half a minute. You may stop it: what was reached is kept.

# %%
FAST = True  # False takes four times as long, and gets better
STEPS, HIDDEN = (400, 128) if FAST else (1600, 192)


def bits_per_sign(model, numbers):
    """The mean surprise of a model, in bits, over a text."""
    with torch.no_grad():
        scores, _ = model(torch.from_numpy(numbers[None, :-1]))
        nll = nn.functional.cross_entropy(scores[0], torch.from_numpy(numbers[1:]), reduction="none")
    return float(nll.mean() / np.log(2)), perplexity(nll.numpy())


def train_text(steps, strips=32, piece=64, clip=1.0):
    """Train a CharRNN on the manual; the model, and the loss of every step in bits."""
    torch.manual_seed(0)
    model = CharRNN(V, 32, HIDDEN)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.005)
    length = len(train_tokens) // strips
    rows = torch.from_numpy(train_tokens[: strips * length].reshape(strips, length))
    losses, state, place = [], None, 0
    bar = gradus.track(range(steps), "training")
    for _ in bar:
        if place + piece + 1 > length:
            place, state = 0, None
        scores, state = model(rows[:, place : place + piece], state)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), rows[:, place + 1 : place + piece + 1].flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
        state, place = state.detach(), place + piece
        losses.append(loss.item() / np.log(2))
        bar.show(bits=losses[-1])
    return model, losses


outcome = written(train_text, STEPS)
if outcome is None:
    print("Write CharRNN first, then run this cell again.")
else:
    model, losses = outcome
    bits, hesitation = written(bits_per_sign, model, test_tokens) or (float("nan"), float("nan"))
    best = min(written(bits_of, n, 0.1) or np.inf for n in range(1, 7))
    print(f"recurrent network: {bits:.3f} bits per sign, perplexity {hesitation:.1f}")
    print(f"best of your n-grams: {best:.3f} bits per sign (to beat)")
    figure, axes = plot.figure(height=2.6)
    axes.plot(np.convolve(losses, np.full(10, 0.1), "valid"), label="while training, mean of ten steps")
    axes.axhline(bits, ls="--", color=plot.GREEN, label="on unseen text, at the end")
    axes.axhline(best, ls=":", color=plot.VERMILION, label="n-grams, on unseen text")
    axes.set(xlabel="step", ylabel="bits per sign", ylim=(1.5, 5))
    axes.legend()
    display(figure)

# %% [markdown]
# Now let it write, a few hundred signs, with **your** `sample`. At temperature 0 it soon runs in circles; near 0.7 it writes something like a manual; at 2 it stammers. Change the
# dice, and it writes something else.

# %%
def writing(temperature, seed, beginning):
    """What the trained network writes, with your own sample."""
    if outcome is None:
        return plot.message("Write CharRNN first, then run the cells above again.")
    start = [number[sign] for sign in beginning]
    said = beginning + spell(sample(model, start, 300, temperature, np.random.default_rng(seed)))
    lines = [line[i : i + 88] for line in said.split("\n") for i in range(0, max(1, len(line)), 88)][:9]
    figure, axes = plot.figure(height=2.4)
    axes.axis("off")
    axes.text(0, 1, "\n".join(lines).replace("$", r"\$"), va="top", family="monospace", fontsize=8, transform=axes.transAxes)
    figure.alt = said
    return figure


explore(
    writing,
    temperature=slider(0.7, 0.0, 2.0, 0.1, "temperature"),
    seed=slider(0, 0, 30, label="dice"),
    beginning=choice(["the statement ", "if the class ", "a function ", "import "], label="beginning"),
)

# %% [markdown]
# ### See it: the state while it reads
#
# Each row is one of the hidden numbers, each column a sign of the text that is read. Purple is 1, orange -1, white 0. Some follow the length of a word, some open at a bracket and
# close with it; most mean nothing to us alone. The lower picture is the update gate $z$ of the same units, from **your** `gru_step` with the trained weights: dark is "keep", light is
# "take something new". Which units keep for whole words? Where do many take something new at once?

# %%
def reading(place, first):
    """Hidden states and update gates of the trained network over a piece of text."""
    if outcome is None:
        return plot.message("Write CharRNN first, then run the cells above again.")
    piece = test_tokens[place : place + 60]
    weights = {name: p.detach().double().numpy() for name, p in model.rnn.named_parameters()}
    params = {"Wx": weights["weight_ih_l0"].T, "Wh": weights["weight_hh_l0"].T, "bx": weights["bias_ih_l0"], "bh": weights["bias_hh_l0"]}
    inputs = model.embed.weight.detach().double().numpy()[piece]
    h, states, gates_z = np.zeros((1, HIDDEN)), [], []
    for x in inputs:
        u, v = x @ params["Wx"] + params["bx"], h[0] @ params["Wh"] + params["bh"]
        gates_z.append(0.5 + 0.5 * np.tanh((u + v)[HIDDEN : 2 * HIDDEN] / 2))
        h = gru_step(x[None], h, params)
        states.append(h[0])
    figure, axes = plot.figure(1, 2, height=4.2)
    for axis, values, colours, low, title in (
        (axes[0], np.array(states), "PuOr", -1, "hidden state"),
        (axes[1], np.array(gates_z), "Greys", 0, "update gate: dark keeps"),
    ):
        axis.imshow(values.T[first : first + 16], cmap=colours, vmin=low, vmax=1, aspect="auto")
        axis.set(title=title, yticks=[0, 15], yticklabels=[first, first + 15], ylabel="unit")
        axis.set_xticks(range(60), [sign.replace("\n", "⏎") for sign in spell(piece)], fontsize=7)
        axis.grid(False)
    return figure


explore(reading, place=slider(0, 0, 1000, 20, "place in the text"), first=slider(0, 0, 112, 16, "first unit shown"))

# %% [markdown]
# **Question 2 (2 points).** The network is trained on pieces of 64 signs, and the way back ends at the beginning of a piece. Can it still learn to use something that happened
# 200 signs ago? What can and what can it not learn about it?

# %% [markdown] question="truncated" points=2
# The state is carried over, so what happened 200 signs ago can still be in it, and the network may use it if it is there. But no gradient goes back farther than 64 signs, so no weight is ever
# told that keeping it was a good idea. It learns to keep something for at most the length of a piece; if that way of keeping happens to work for longer as well (an open forget
# gate keeps for ever), it works for 200 signs too, by luck and not because it was asked for.
#

# %% [markdown]
# **Question 3 (2 points).** Two models have 2.4 and 2.0 bits per sign on the same text. What are their perplexities? A third one has 2.0 bits per sign on *another* text. Is it as good as the second?

# %% [markdown] question="bits" points=2
# Perplexity is 2 to the bits: 5.3 and 4. The first hesitates among a little more than five equally likely signs, the second among four. The third cannot be compared: how many bits a text needs depends on the text (its
# vocabulary, how often it repeats itself) as much as on the model. Only numbers on the same test text, cut into the same signs, say which model is better.

# %% [markdown]
# ## Your library so far

# %% locked
gradus.library()

# %% [markdown]
# ## What you can do now
#
# - Say what a model of text must beat, in bits per sign, and measure it.
# - Write a recurrent network forward and backward, and say where its gradient goes when it vanishes.
# - Build an LSTM and a GRU from their gates, and say what each gate is for.
# - Train on a text longer than any batch, with a carried state and clipped gradients, and let the model write.
#
# Next, in units 11 and 12, networks that look back at everything at once instead of remembering: attention.
#
# ## Further reading
#
# - Sepp Hochreiter and Jürgen Schmidhuber, "Long Short-Term Memory", *Neural Computation*, 1997. The fading gradient, and the cell that keeps it.
# - Kyunghyun Cho and others, "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", *EMNLP*, 2014. The gates of section 5.
# - Razvan Pascanu, Tomas Mikolov and Yoshua Bengio, "On the difficulty of training recurrent neural networks", *ICML*, 2013. Why gradients explode, and why
#   clipping is right.
