"""Whether real Keras opens files of single layers and predicts the same: layers.py JOBS.json; the last line is a JSON list.

A job: {"family": "keras" | "tf_keras", "path", "class_name", "inputs": [tensor], "outputs": [tensor]}, a tensor being
{"dtype", "shape", "data"}. A result: {"difference": largest one relative to 1 + |value|}, {"error"} or {"absent": true}
where the family has no such layer.
"""

import importlib
import json
import os
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
warnings.filterwarnings("ignore")

import numpy as np
import tensorflow as tf


def array(tensor):
    return np.asarray(tensor["data"], tensor["dtype"]).reshape(tensor["shape"])


def run(job):
    keras = importlib.import_module(job["family"])
    if not hasattr(keras.layers, job["class_name"]):
        return {"absent": True}
    try:
        model = keras.models.load_model(job["path"])
        inputs = [tf.constant(array(x)) for x in job["inputs"]]
        outputs = tf.nest.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
        pairs = zip(outputs, [array(y) for y in job["outputs"]], strict=True)
        return {"difference": max(float((np.abs(a - b) / (1 + np.abs(b))).max(initial=0)) for a, b in pairs)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:600]}


with open(sys.argv[1]) as file:
    print(json.dumps([run(job) for job in json.load(file)]))
