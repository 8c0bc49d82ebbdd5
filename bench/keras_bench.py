"""The seed's network in Keras. One JSON line per task.

Usage: KERAS_BACKEND=tensorflow|jax python keras_bench.py TASK [ARGS], TASK one of
  fit [STEPS_PER_EXECUTION]   time per step of fit: 60,000 x 784, batch 32, Adam, shuffling, accuracy, progress bar
  predict                     time of predict_on_batch, batch 32
  cold FILE                   nothing is timed here: load FILE, predict once; the caller measures the process
"""

import json
import os
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import keras

ROWS, FEATURES, CLASSES, BATCH = 60_000, 784, 10, 32


def seed_model(**compile_options):
    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(
        optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"], **compile_options
    )
    return model


def data(rows):
    random = np.random.default_rng(0)
    return random.random((rows, FEATURES), dtype="float32"), random.integers(0, CLASSES, rows)


def fit(steps_per_execution=1):
    x, y = data(ROWS)
    model = seed_model(steps_per_execution=int(steps_per_execution))
    model.fit(x[:3200], y[:3200], batch_size=BATCH, epochs=1, verbose=1)
    start = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, epochs=2, verbose=1)
    return {"ms": (time.perf_counter() - start) * 1000 / (2 * ROWS / BATCH)}


def predict():
    x, _ = data(BATCH)
    model = seed_model()
    times = []
    for _ in range(300):
        start = time.perf_counter()
        model.predict_on_batch(x)
        times.append(time.perf_counter() - start)
    return {"ms": float(np.median(times[50:])) * 1000}


def cold(path):
    model = keras.models.load_model(path)
    model.predict(np.zeros((1, FEATURES), "float32"), verbose=0)
    return {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    result = globals()[sys.argv[1]](*sys.argv[2:])
    print("\n" + json.dumps({"backend": keras.backend.backend(), "version": keras.__version__, **result}))
