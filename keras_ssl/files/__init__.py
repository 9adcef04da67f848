"""Files and folders that are written whole or not at all, locks on them, their checksums, and what a disk refuses."""

from keras_ssl.files.disks import check_no_pattern, told, writable_folder
from keras_ssl.files.locks import Lock
from keras_ssl.files.staging import place, refuse_existing, staged, sweep
from keras_ssl.files.sums import checksums, damage
from keras_ssl.files.writing import json_text, whole_file, write_json

__all__ = [
    "Lock",
    "check_no_pattern",
    "checksums",
    "damage",
    "json_text",
    "place",
    "refuse_existing",
    "staged",
    "sweep",
    "told",
    "whole_file",
    "writable_folder",
    "write_json",
]
