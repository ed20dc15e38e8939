"""The networks: tensors in, tensors out. They know no panel, tokenizer, path or session."""
