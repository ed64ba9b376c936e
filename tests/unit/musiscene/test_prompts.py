import pytest

from musiscene.prompts import DESCRIBE_QUESTION, ORIGINAL_INPUT, instruction_prompt


class TestInstructionPrompt:
    def test_is_alpacas_template(self):
        assert instruction_prompt("How fast is it?", context="A waltz.") == (
            "Below is an instruction that describes a task, paired with an input that provides"
            " further context. Write a response that appropriately completes the request.\n\n"
            "### Instruction:\nHow fast is it?\n\n### Input:\nA waltz.\n\n### Response:"
        )

    def test_without_a_context_the_slot_is_empty(self):
        assert "### Input:\n\n\n### Response:" in instruction_prompt("How fast is it?")

    def test_the_originals_mistake_is_made_on_request_alone(self):
        assert str(input) == ORIGINAL_INPUT
        original = instruction_prompt("How fast is it?", style="mu-llama")
        assert f"### Input:\n{ORIGINAL_INPUT}\n\n### Response:" in original
        assert original.replace(ORIGINAL_INPUT, "") == instruction_prompt("How fast is it?")

    def test_refuses_a_context_for_which_there_is_no_place(self):
        with pytest.raises(ValueError, match="no place for a context"):
            instruction_prompt("How fast is it?", context="A waltz.", style="mu-llama")

    @pytest.mark.parametrize("text", ["{context}", "{}", "{0}", "}{"])
    def test_braces_are_taken_literally(self, text: str):
        prompt = instruction_prompt(text, context=text)
        assert prompt.count(text) == 2

    def test_the_question_of_the_first_captions_is_not_a_template(self):
        assert "{" not in DESCRIBE_QUESTION
