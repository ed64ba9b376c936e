"""Where settings come from: a TOML file, over it the environment, over that the command line.

    limits.body_bytes = 65536                  in the file, or below [limits]
    MUSISCENE_LIMITS_BODY_BYTES=65536          in the environment
    MUSISCENE_DATABASE_URL_FILE=/run/secrets/x the same as without _FILE, from a file

Every value is checked where it is read, so that an error names the file or the variable. A name
that is not a setting is refused: a limit that was misspelt would otherwise not be there.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from service.settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX: Final = "MUSISCENE_"
CONFIG_VARIABLE: Final = "MUSISCENE_CONFIG"
FILE_NAME: Final = "musiscene.toml"
FROM_FILE: Final = "_FILE"
OTHER_NAMES: Final = {"MUSISCENE_DATABASE_URL": ("database",)}
"""Variables that are not named after their setting."""
NOT_OURS: Final = frozenset({CONFIG_VARIABLE, "MUSISCENE_FUSER_KEY"})
"""Variables that other commands read."""
LONGEST_FILE_BYTES: Final = 1 << 20

Name: TypeAlias = tuple[str, ...]
Values: TypeAlias = dict[Name, Any]


class SettingsError(Exception):
    """A setting is unknown or wrong; the message says which, and where it stands."""


def setting_types(kind: Any = ServiceSettings, above: Name = ()) -> dict[Name, Any]:  # noqa: ANN401  a struct type
    """Every setting: its name, with those of the tables that it is in -> its type."""
    found: dict[Name, Any] = {}
    for field in msgspec.structs.fields(kind):
        name = (*above, field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found |= setting_types(field.type, name)
        else:
            found[name] = field.type
    return found


def variable_of(name: Name) -> str:
    """The environment variable of a setting."""
    for variable, other in OTHER_NAMES.items():
        if other == name:
            return variable
    return PREFIX + "_".join(name).upper()


def load_settings(
    *,
    data_dir: Path,
    environment: Mapping[str, str],
    config: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> ServiceSettings:
    """Put the settings together.

    Args:
        data_dir: The library, as the command line, the environment or the platform has it.
        environment: Of the process.
        config: The file; None for the one that the environment names, or the library's own.
        options: Of the command line: settings by name, with dots; None where one was not given.

    Returns:
        The settings, checked.

    Raises:
        SettingsError: If a setting is unknown or wrong, or the file cannot be read.
    """
    values: Values = {("data_dir",): data_dir}
    named = config or (Path(found) if (found := environment.get(CONFIG_VARIABLE)) else None)
    file = named or data_dir / FILE_NAME
    if named is not None or file.exists():
        values |= _from_file(file)
    values |= _from_environment(environment)
    for name, value in (options or {}).items():
        if value is not None:
            values[tuple(name.split("."))] = value
    built: ServiceSettings = _build(ServiceSettings, values)
    return built


def shown_settings(settings: ServiceSettings) -> dict[str, Any]:
    """Every setting by its name with dots, for people: passwords are left out.

    Args:
        settings: In force.

    Returns:
        Name -> value.
    """
    from indexer.catalogue.database import database_url, shown_url

    shown: dict[str, Any] = {}
    for name in setting_types():
        value: Any = settings
        for part in name:
            value = getattr(value, part)
        if isinstance(value, str) and "://" in value:
            value = (
                shown_url(database_url(value)) if name == ("database",) else _without_user(value)
            )
        shown[".".join(name)] = value
    return shown


def _without_user(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _from_file(file: Path) -> Values:
    try:
        if file.stat().st_size > LONGEST_FILE_BYTES:
            raise SettingsError(f"{file}: too large for a file of settings")
        with file.open("rb") as opened:
            document = tomllib.load(opened)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: is no TOML ({error})") from error
    types = setting_types()
    values: Values = {}
    for name, value in _leaves(document, types):
        spelled = ".".join(name)
        if name not in types:
            raise SettingsError(f"{file}: {spelled} is no setting; docs/settings.md has them all")
        if name == ("data_dir",):
            raise SettingsError(f"{file}: data_dir is set by --data-dir or MUSISCENE_DATA_DIR")
        values[name] = _checked(value, types[name], f"{file}: {spelled}", folder=file.parent)
    return values


def _leaves(
    table: Mapping[str, Any], types: dict[Name, Any], above: Name = ()
) -> Iterator[tuple[Name, Any]]:
    for key, value in table.items():
        name = (*above, key)
        if isinstance(value, dict) and any(known[: len(name)] == name for known in types):
            yield from _leaves(value, types, name)
        else:
            yield name, value


def _from_environment(environment: Mapping[str, str]) -> Values:
    types = setting_types()
    names = {variable_of(name): name for name in types}
    values: Values = {}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable in NOT_OURS:
            continue
        name, value = names.get(variable), text
        if name is None and variable.endswith(FROM_FILE):
            name = names.get(variable.removesuffix(FROM_FILE))
            value = _secret(variable, text) if name else text
        if name is None:
            raise SettingsError(
                f"environment: {variable} is no setting; docs/settings.md has them all"
            )
        if name != ("data_dir",):
            values[name] = _checked(value, types[name], f"environment: {variable}")
    return values


def _secret(variable: str, file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"environment: {variable}: {file} cannot be read") from error


def _checked(value: Any, kind: Any, where: str, *, folder: Path | None = None) -> Any:  # noqa: ANN401
    """A value of the type of its setting.

    Args:
        value: As it was read.
        kind: The type.
        where: File or variable, and name.
        folder: Of the file, for paths; None where the value is a text of the environment.

    Returns:
        The value.

    Raises:
        SettingsError: If it is not of that type, or out of its bounds.
    """
    from_text = folder is None
    if from_text and "tuple" in str(kind):
        value = [part.strip() for part in value.split(",") if part.strip()]

    def to_path(wanted: type, given: Any) -> Any:  # noqa: ANN401
        if wanted is Path and isinstance(given, str):
            path = Path(given).expanduser()
            return path if folder is None else folder / path
        raise NotImplementedError

    try:
        return msgspec.convert(value, kind, strict=not from_text, dec_hook=to_path)
    except (msgspec.ValidationError, NotImplementedError) as error:
        reason = str(error) or "is not a path"
        raise SettingsError(f"{where}: {reason}") from None  # the cause may quote a password


def _build(kind: Any, values: Values) -> Any:  # noqa: ANN401
    parts: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        below = {name[1:]: value for name, value in values.items() if name[0] == field.name}
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            parts[field.name] = _build(field.type, below)
        elif below:
            parts[field.name] = below[()]
    return kind(**parts)
