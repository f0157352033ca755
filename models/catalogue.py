"""Kind of model -> its class. Explicit, and loaded only when asked for: gensim costs a second."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from models.base import Ranker
from models.predictor import Predictor

_CLASSES = {
    "popularity": ("models.popularity", "Popularity"),
    "item_knn": ("models.item_knn", "ItemKnn"),
    "ease": ("models.ease", "Ease"),
    "blend": ("models.blend", "Blend"),
    "spectral": ("models.spectral", "Spectral"),
    "ppmi": ("models.ppmi", "Ppmi"),
    "lda": ("models.lda", "Lda"),
    "word2vec": ("models.word2vec", "Word2Vec"),
    "prodlda": ("models.prodlda", "ProdLda"),
    "dbm": ("models.dbm", "Dbm"),
}
KINDS = tuple(_CLASSES)
_PREDICTORS = {
    "bayes_by_backprop": ("models.bayes_by_backprop", "BayesByBackprop"),
    "mc_dropout": ("models.mc_dropout", "McDropout"),
    "deep_ensemble": ("models.deep_ensemble", "DeepEnsemble"),
    "nuts": ("models.nuts", "Nuts"),
}
PREDICTOR_KINDS = tuple(_PREDICTORS)


def model_class(kind: str) -> type[Ranker[Any, Any]]:
    """Return the class of a kind; KeyError if there is none."""
    module, name = _CLASSES[kind]
    found: type[Ranker[Any, Any]] = getattr(import_module(module), name)
    return found


def predictor_class(kind: str) -> type[Predictor[Any]]:
    """Return the class of a kind of predictor; KeyError if there is none."""
    module, name = _PREDICTORS[kind]
    found: type[Predictor[Any]] = getattr(import_module(module), name)
    return found
