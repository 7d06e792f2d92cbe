"""What the clients ask for: used by clients_openai.py and clients_litellm.py, whose environments have pydantic."""

import enum

import pydantic

MESSAGES = [{"role": "user", "content": "Name a colour."}]


class Colour(enum.Enum):
    red = "red"
    green = "green"


class Thing(pydantic.BaseModel):
    name: str = pydantic.Field(max_length=12)
    colour: Colour
    count: int = pydantic.Field(ge=0, le=9)
