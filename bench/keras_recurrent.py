"""The steps of bench/recurrent.ts in Keras. Run: KERAS_BACKEND=jax python -P bench/keras_recurrent.py"""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np

BATCH, TIME, FEATURES, UNITS, CLASSES, STEPS = 32, 50, 32, 64, 10, 300


def measure(name, run):
    for _ in range(30):
        run()
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    print(f"{keras.backend.backend()} {name}: {np.median(times) * 1e3:.3f} ms")


for layer in (keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN):
    model = keras.Sequential(
        [keras.Input((TIME, FEATURES)), layer(UNITS), keras.layers.Dense(CLASSES, activation="softmax")]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    x = np.random.rand(BATCH, TIME, FEATURES).astype("float32") - 0.5
    y = np.arange(BATCH, dtype="int32") % CLASSES
    measure(f"{layer.__name__} training step", lambda: model.train_on_batch(x, y))
    measure(f"{layer.__name__} inference, batch {BATCH}", lambda: model.predict_on_batch(x))
