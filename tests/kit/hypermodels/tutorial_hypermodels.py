"""More HyperModels in the manner of public tutorials and guides, written anew. Each says which pattern it has."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import layers

KT: Any = keras_tuner.HyperModel
SCE = "sparse_categorical_crossentropy"


def model_builder(hp: Any) -> Any:
    """Build the model of TensorFlow's Keras Tuner tutorial: Flatten with the input's shape, logits, a tuned learning rate."""
    model = keras.Sequential([keras.Input((28, 28)), layers.Flatten()])
    model.add(layers.Dense(hp.Int("units", 32, 96, step=32), activation="relu"))
    model.add(layers.Dense(10))
    model.compile(
        keras.optimizers.Adam(hp.Choice("learning_rate", [1e-2, 1e-3, 1e-4])),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def mlp_or_cnn(hp: Any) -> Any:
    """Build the model of KerasTuner's guide to visualisation: a tuned kind of network, loops of tuned length, channels in the input."""
    image = keras.Input((28, 28, 1))
    x = image
    if hp.Choice("model_type", ["mlp", "cnn"]) == "mlp":
        x = layers.Flatten()(x)
        for i in range(hp.Int("mlp_layers", 1, 3)):
            x = layers.Dense(hp.Int(f"units_{i}", 8, 24, step=8), activation="relu")(x)
    else:
        for i in range(hp.Int("cnn_layers", 1, 3)):
            x = layers.Conv2D(hp.Int(f"filters_{i}", 4, 12, step=4), 3, activation="relu")(x)
            x = layers.MaxPooling2D()(x)
        x = layers.Flatten()(x)
    if hp.Boolean("dropout"):
        x = layers.Dropout(0.5)(x)
    model = keras.Model(image, layers.Dense(10, activation="softmax")(x))
    model.compile("adam", loss=SCE, metrics=["accuracy"])
    return model


class ShuffleInFit(KT):
    """KerasTuner's first guide: a hyperparameter that only `fit` asks for."""

    def build(self, hp: Any) -> Any:
        model = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten()])
        model.add(layers.Dense(hp.Int("units", 8, 24, step=8), activation="relu"))
        model.add(layers.Dense(10, activation="softmax"))
        model.compile("adam", loss=SCE, metrics=["accuracy"])
        return model

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        return model.fit(*args, shuffle=hp.Boolean("shuffle"), batch_size=hp.Choice("batch_size", [32, 64]), **kwargs)


class NormaliseInFit(ShuffleInFit):
    """KerasTuner's first guide: `fit` normalises the training images alone."""

    def fit(self, hp: Any, model: Any, x: Any, y: Any, **kwargs: Any) -> Any:
        if hp.Boolean("normalize", default=True):
            x = (np.asarray(x, "float32") - 30.0) / 80.0
        return model.fit(x, y, **kwargs)


class ReturnsDictionary(ShuffleInFit):
    """KerasTuner's first guide: `fit` evaluates by itself and returns a dictionary of metrics."""

    def fit(self, hp: Any, model: Any, x: Any, y: Any, validation_data: Any, **kwargs: Any) -> Any:
        model.fit(x, y, **kwargs)
        images, labels = validation_data
        right = model.predict(images, verbose=0).argmax(axis=1) == labels
        return {"val_accuracy": float(right.mean()), "errors": int((~right).sum())}


class ReturnsNumber(ReturnsDictionary):
    """KerasTuner's first guide: `fit` returns the objective alone, and uses no callbacks."""

    def fit(self, hp: Any, model: Any, x: Any, y: Any, validation_data: Any, **kwargs: Any) -> Any:
        kwargs.pop("callbacks")
        return super().fit(hp, model, x, y, validation_data, **kwargs)["val_accuracy"]


class OwnLoop(KT):
    """KerasTuner's guide to custom training loops: not compiled, logits, a loop of one's own, callbacks that get one metric."""

    def build(self, hp: Any) -> Any:
        image = keras.Input((28, 28, 1))
        x = layers.Flatten()(layers.Rescaling(1 / 255)(image))
        x = layers.Dense(hp.Choice("units", [16, 32]), activation="relu")(x)
        return keras.Model(image, layers.Dense(10)(x))

    def fit(
        self, hp: Any, model: Any, x: Any, y: Any, validation_data: Any, callbacks: Any = None, **kwargs: Any
    ) -> Any:
        import tensorflow as tf

        batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(hp.Int("batch_size", 32, 128, step=32, default=64))
        optimizer = keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3))
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        mean = keras.metrics.Mean()

        @tf.function
        def step(images: Any, labels: Any) -> None:
            with tf.GradientTape() as tape:
                loss = loss_of(labels, model(images, training=True))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

        @tf.function
        def check(images: Any, labels: Any) -> None:
            mean.update_state(loss_of(labels, model(images, training=False)))

        for callback in callbacks or ():
            callback.set_model(model)
        best = float("inf")
        for epoch in range(kwargs["epochs"]):
            for images, labels in batches:
                step(images, labels)
            check(*map(tf.convert_to_tensor, validation_data))
            epoch_loss = float(mean.result())
            mean.reset_state()
            for callback in callbacks or ():
                callback.on_epoch_end(epoch, logs={"my_metric": epoch_loss})
            best = min(best, epoch_loss)
        return best


class OwnTrainStep(KT):
    """Keras's guide to customising `fit`: a model with a `train_step` of its own."""

    @keras.saving.register_keras_serializable(package="tutorial")
    class Net(keras.Model):  # type: ignore[misc]
        def train_step(self, data: Any) -> Any:
            import tensorflow as tf

            x, y = data
            with tf.GradientTape() as tape:
                predicted = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=predicted)
            weights = self.trainable_weights
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, predicted)
            return {metric.name: metric.result() for metric in self.metrics}

    def build(self, hp: Any) -> Any:
        image = keras.Input((28, 28))
        x = layers.Flatten()(layers.Rescaling(1 / 255)(image))
        x = layers.Dense(hp.Choice("units", [8, 16]), activation="relu")(x)
        model = self.Net(image, layers.Dense(10, activation="softmax")(x))
        model.compile("adam", loss=SCE, metrics=["accuracy"])
        return model


class RowsByLstm(KT):
    """Keras's guide to recurrent networks: the rows of an image one after the other."""

    def build(self, hp: Any) -> Any:
        model = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 255)])
        cell = layers.LSTM(hp.Choice("units", [4, 8]))
        model.add(layers.Bidirectional(cell) if hp.Boolean("bidirectional") else cell)
        model.add(layers.BatchNormalization())
        model.add(layers.Dense(10, activation="softmax"))
        model.compile("adam", loss=SCE, metrics=["accuracy"])
        return model


class RowsByAttention(KT):
    """A small transformer over the rows, with blocks whose number is searched."""

    def build(self, hp: Any) -> Any:
        image = keras.Input((28, 28))
        x = layers.Dense(16)(layers.Rescaling(1 / 255)(image))
        for _ in range(hp.Int("blocks", 1, 2)):
            attended = layers.MultiHeadAttention(hp.Choice("heads", [1, 2]), 8)(x, x)
            x = layers.LayerNormalization()(layers.Add()([x, attended]))
        model = keras.Model(image, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling1D()(x)))
        model.compile("adam", loss=SCE, metrics=["accuracy"])
        return model


class Colour(KT):
    """Transfer learning's input: three channels, into a network that is a layer of another one."""

    def build(self, hp: Any) -> Any:
        base = keras.Sequential(
            [keras.Input((28, 28, 3)), layers.Conv2D(hp.Choice("filters", [4, 6]), 3, strides=2, activation="relu")],
            name="base",
        )
        image = keras.Input((28, 28, 3))
        x = layers.GlobalAveragePooling2D()(base(layers.Rescaling(1 / 127.5, offset=-1)(image)))
        model = keras.Model(image, layers.Dense(10, activation="softmax")(x))
        model.compile("adam", loss=SCE, metrics=["accuracy"])
        return model


class FlatInput(KT):
    """The oldest example there is: images as rows of 784 numbers."""

    def build(self, hp: Any) -> Any:
        model = keras.Sequential([keras.Input((784,)), layers.Dense(hp.Choice("units", [8, 16]), activation="relu")])
        model.add(layers.Dropout(hp.Float("dropout", 0.0, 0.4, step=0.2)))
        model.add(layers.Dense(10, activation="softmax"))
        model.compile("rmsprop", loss=SCE, metrics=["accuracy"])
        return model


class MoreCallbacks(KT):
    """`fit` adds callbacks of its own to those that it is given."""

    build = FlatInput.build

    def fit(self, hp: Any, model: Any, *args: Any, callbacks: Any = (), **kwargs: Any) -> Any:
        own = [keras.callbacks.ReduceLROnPlateau(patience=1), keras.callbacks.EarlyStopping(patience=2)]
        return model.fit(*args, callbacks=[*callbacks, *own], **kwargs)


class Sigmoids(KT):
    """Ten sigmoids in place of a softmax."""

    def build(self, hp: Any) -> Any:
        model = keras.Sequential([keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten()])
        model.add(layers.Dense(hp.Choice("units", [8, 16]), activation="relu"))
        model.add(layers.Dense(10, activation="sigmoid"))
        model.compile("adam", loss=SCE, metrics=["accuracy"])
        return model


class TwelveOutputs(KT):
    """More outputs than there are classes."""

    def build(self, hp: Any) -> Any:
        model = keras.Sequential([keras.Input((28, 28)), layers.Flatten()])
        model.add(layers.Dense(hp.Choice("outputs", [12, 20]), activation="softmax"))
        model.compile("adam", loss=SCE, metrics=["accuracy"])
        return model


class ByLambda(KT):
    """A Lambda layer that scales."""

    def build(self, hp: Any) -> Any:
        model = keras.Sequential([keras.Input((28, 28)), layers.Lambda(lambda x: x / 255.0), layers.Flatten()])
        model.add(layers.Dense(hp.Choice("units", [8, 16]), activation="relu"))
        model.add(layers.Dense(10, activation="softmax"))
        model.compile("adam", loss=SCE, metrics=["accuracy"])
        return model
