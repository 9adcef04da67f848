"""One encoder for several tasks at once, whose samples may lack some of the labels."""

from keras_ssl.transfer.multi_task.building import multi_task
from keras_ssl.transfer.multi_task.model import MultiTask

__all__ = ["MultiTask", "multi_task"]
