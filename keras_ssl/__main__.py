"""`python -m keras_ssl` is `keras-ssl`."""

from keras_ssl.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
