from reference import Reference

from seedstory_core.generation.image_scores import released_image_scores


def test_image_tokens_are_steered_as_released(reference: Reference) -> None:
    tensors, golden = reference.tensors("generate"), reference.document("processor")
    scores = released_image_scores(
        tensors["processor_scores_in"],
        tensors["processor_last_ids"],
        golden["image_token_list"],
    )
    reference.check("generate", "processor_scores_out", scores)
    assert scores.argmax(dim=1).tolist() == golden["argmax_out"]
