"""The commands: translate, call one use case, translate back."""
