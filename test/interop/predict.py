"""Predictions of real Keras: predict.py FAMILY FILE X.npy..., FAMILY keras or tf_keras. One JSON line: a list per output."""

import importlib
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np

keras = importlib.import_module(sys.argv[1])
model = keras.models.load_model(sys.argv[2])
outputs = model.predict([np.load(path) for path in sys.argv[3:]], verbose=0)
outputs = outputs if isinstance(outputs, list) else [outputs]
print(json.dumps([np.asarray(output, "float64").tolist() for output in outputs]))
