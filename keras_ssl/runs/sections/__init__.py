"""The sections of reports: which pictures fit a run, by the kind of its data and by what its objective can do.

Pictures are functions, which `figures.report.write` calls.
"""

from keras_ssl.runs.sections.classifiers import of_classifier
from keras_ssl.runs.sections.encoders import of_encoder
from keras_ssl.runs.sections.few_labels import of_few_labels
from keras_ssl.runs.sections.pairs import of_pairs, pictures_of
from keras_ssl.runs.sections.pretraining import of_pretraining
from keras_ssl.runs.sections.samples import some

__all__ = ["of_classifier", "of_encoder", "of_few_labels", "of_pairs", "of_pretraining", "pictures_of", "some"]
