"""The CNN of bench/layers.ts in Keras. Prints one JSON line.

Usage: KERAS_BACKEND=tensorflow|jax|torch python keras_layers.py [STEPS_PER_EXECUTION]
"""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np

BATCH, STEPS, ROUNDS = 32, 100, 4

model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", steps_per_execution=steps)
random = np.random.default_rng(0)
x = random.random((BATCH * STEPS, 28, 28, 1), dtype="float32")
y = random.integers(0, 10, BATCH * STEPS)
times = []
for _ in range(ROUNDS + 1):
    start = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    times.append((time.perf_counter() - start) * 1000 / STEPS)
print(json.dumps({"ms": min(times[1:])}))
