"""What finds texts of pictures without a neural network: a bag of words, simple features of pictures, and CCA.

Regularized canonical correlation analysis (Hotelling 1936, "Relations Between Two Sets of Variates"; the ridge: Vinod
1976, "Canonical ridge and econometrics of joint production"). With the covariances C of centered features,
`U S V' = svd((C_xx + r I)^-1/2 C_xy (C_yy + r I)^-1/2)`: both sides are projected to the directions of the largest
canonical correlations, which are weighted by those, and compared by their cosine.
"""

import collections
import re

import numpy as np

CELLS, BINS = 4, 8
LEAST = 2  # texts that a word must be in


def picture_features(images):
    """Pixels of an 8x8 thumbnail, and histograms of oriented gradients.

    Args:
        images: uint8 array `(n, side, side, 3)`, whose side is a multiple of 8.

    Returns:
        Float array `(n, 192 + 128)`.
    """
    n, side = images.shape[:2]
    pixels = images.reshape(n, 8, side // 8, 8, side // 8, 3).mean(axis=(2, 4)).reshape(n, -1) / 255
    gray = images.astype("float32").mean(axis=-1) / 255
    dy, dx = np.gradient(gray, axis=(1, 2))
    size, angle = np.hypot(dx, dy), np.arctan2(dy, dx) % np.pi
    number = np.minimum((angle / np.pi * BINS).astype(int), BINS - 1)
    parts = [np.where(number == k, size, 0).reshape(n, CELLS, side // CELLS, CELLS, side // CELLS) for k in range(BINS)]
    histograms = np.sqrt(np.stack([part.sum(axis=(2, 4)) for part in parts], axis=-1).reshape(n, -1))
    return np.concatenate([pixels, histograms], axis=1)


class BagOfWords:
    """Which of the words of training texts are in a text, the rare ones weighing more (their inverse frequency).

    With `letters`, also which runs of four letters, the edges of words among them.
    """

    def __init__(self, texts, letters=False):
        self.letters = letters
        counts = collections.Counter(word for text in texts for word in set(self.split(text)))
        self.words = {word: k for k, word in enumerate(w for w in sorted(counts) if counts[w] >= LEAST)}
        self.weights = np.log(len(texts) / np.array([counts[word] for word in self.words]))

    def split(self, text):
        """The words of a text, and their parts."""
        words = re.findall(r"\w+", text.lower())
        edged = [f"<{word}>" for word in words] if self.letters else []
        return words + [word[k : k + 4] for word in edged for k in range(len(word) - 3)]

    def __call__(self, texts):
        """Float array `(n, words)`."""
        found = np.zeros((len(texts), len(self.words)), "float32")
        for row, text in zip(found, texts):
            row[[self.words[word] for word in self.split(text) if word in self.words]] = 1
        return found * self.weights


class CCA:
    """Regularized CCA of pictures and texts; fitted on construction."""

    def __init__(self, images, texts, ridge, letters=False, width=128):
        self.bag = BagOfWords(texts, letters)
        x, y = picture_features(images), self.bag(texts)
        self.moments = [(z.mean(axis=0), z.std(axis=0) + 1e-6) for z in (x, y)]
        x, y = ((z - mean) / scale for z, (mean, scale) in zip((x, y), self.moments))
        n = len(x)
        whiten_x, whiten_y = (_inverse_root(z.T @ z / n, ridge) for z in (x, y))
        u, correlations, v = np.linalg.svd(whiten_x @ (x.T @ y / n) @ whiten_y, full_matrices=False)
        self.maps = whiten_x @ u[:, :width] * correlations[:width], whiten_y @ v[:width].T

    def embed_image(self, images):
        """Vectors `(n, width)`."""
        return self._mapped(picture_features(images), 0)

    def embed_text(self, texts):
        """Vectors `(n, width)`."""
        return self._mapped(self.bag(texts), 1)

    def _mapped(self, features, side):
        mean, scale = self.moments[side]
        return ((features - mean) / scale) @ self.maps[side]


def _inverse_root(covariance, ridge):
    values, vectors = np.linalg.eigh(covariance + ridge * np.eye(len(covariance)))
    return (vectors / np.sqrt(values)) @ vectors.T
