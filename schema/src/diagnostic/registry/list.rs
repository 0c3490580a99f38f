//! All rules, by number.

use super::Rule;
use crate::diagnostic::Severity;

rules! {
    Unreadable = 1, Error, "file cannot be read",
        "A missing, unreadable or oversized file, a directory in its place, or a link that \
         leads to itself. Where Codex itself finds something it cannot read in the place of its \
         requirements, it refuses to run; a missing file is no policy at all.",
        "give the file its place back as a regular file that the checking user may read";
    NotText = 2, Error, "file is not UTF-8 text",
        "Codex reads policy as UTF-8 and refuses anything else, such as UTF-16 from a Windows \
         editor.",
        "save the file as UTF-8";
    Syntax = 3, Error, "text is not TOML",
        "Codex stops at the first syntax error and then uses nothing of the file. Every other \
         syntax error is reported here too.",
        "correct the place that is marked";
    Bundle = 4, Error, "bundle is not what Codex expects",
        "A bundle is a JSON object with two lists of fragments, each with `id`, `name` and \
         `contents`. Codex refuses a bundle in which one of them is missing.",
        "write \
         `{\"requirements_toml\":{\"enterprise_managed\":[{\"id\":…,\"name\":…,\"contents\":…}]}}`";
    SaysNothing = 5, Warning, "file says nothing",
        "An empty file, or one with comments only, is no policy. Codex does not mention it: \
         everything is allowed.",
        "write the policy, or remove the file if no policy is meant";
    UnknownKind = 6, Error, "kind of file is not clear",
        "Neither the name nor the content says what the file is for.",
        "name the kind with `--as requirements`, `config`, `managed-config`, `bundle`, \
         `preferences` or `rules`";
    Rules = 7, Error, "rules file is refused",
        "Codex evaluates rules files as Starlark. A file it refuses takes every other rules \
         file of the machine with it.",
        "correct the place that is marked";
    RulesNotUnderstood = 8, Warning, "rules file uses what this program does not understand",
        "Codex may accept the file. This program reads the part of Starlark that rules need and \
         does not guess about the rest.",
        "write plain `prefix_rule`, `host_executable` and `network_rule` calls";
    PropertyList = 9, Error, "property list or profile is damaged",
        "macOS or Codex cannot read the file, or reads it differently from tool to tool.",
        "export it again, or correct the place that is marked";
    TooManyProblems = 10, Warning, "more problems than are listed",
        "Only so many problems of one file are listed.",
        "correct the ones above, then check again";
    UnknownKey = 101, Error, "unknown key",
        "A misspelt key switches its control off. Codex up to 0.155 says nothing about it; from \
         0.156 on it warns the developer, and still starts without the control.",
        "write the key that was meant";
    WrongType = 102, Error, "value of the wrong type",
        "Codex refuses the whole file over one value of another type.",
        "write a value of the type that is named";
    DuplicateKey = 103, Error, "key given twice",
        "Two values for one key, in one table or under its two names. TOML and Codex refuse it; \
         property lists keep the last and say nothing.",
        "keep one of the two";
    DuplicateEntry = 104, Warning, "list entry given twice",
        "Codex accepts it. One of the two was probably meant to be something else.",
        "remove or correct one of them";
    Base64 = 106, Error, "managed preference is not canonical base64 of UTF-8 text",
        "Codex accepts only standard base64 in one piece, with padding, of UTF-8 text. Common \
         tools wrap lines after 76 characters.",
        "encode with `base64 -w0` or the equivalent";
    Deprecated = 107, Warning, "old form",
        "It still works and has a successor.",
        "use the form that is named";
    OtherFile = 108, Error, "key belongs to another file",
        "A key of `config.toml` means nothing in requirements, and the other way round: Codex \
         ignores it there.",
        "use the key that is named, or move this one to the file it belongs to";
    RetiredKey = 109, Error, "retired key",
        "Codex once had this key. It is ignored now, so what it controlled is uncontrolled.",
        "use the successor that is named, or remove it";
    UnknownValue = 201, Error, "value is not one of the known ones",
        "Codex refuses the whole file over one value it does not know.",
        "write one of the values that are listed";
    MissingField = 202, Error, "field is missing",
        "Codex refuses the whole file when a table lacks a field it needs.",
        "add the field";
    BadContent = 203, Error, "value has an impossible content",
        "The type is right and the content is not; Codex refuses it.",
        "see what the message asks for";
    Conflict = 204, Error, "keys exclude each other",
        "Two forms of one setting, which Codex refuses together.",
        "keep one form";
    BadExpression = 205, Error, "not a regular expression",
        "Codex compiles the expression when it starts, or when a session starts, and refuses if \
         it cannot.",
        "correct the expression; look-around and back-references are not supported";
    Profiles = 206, Error, "permission profiles do not fit together",
        "Allowed profiles, the default one and the ones defined must refer to each other; Codex \
         refuses them otherwise.",
        "see what the message asks for";
    SandboxWithoutReadOnly = 207, Error, "sandbox modes without `read-only`",
        "Codex falls back to `read-only`, so every list must contain it; otherwise it refuses \
         to start.",
        "add `\"read-only\"` to the list";
    AllowRule = 208, Error, "`allow` in requirement rules",
        "Rules in requirements can only restrict. Codex refuses to start when one allows.",
        "use `prompt` or `forbidden`, or remove the rule";
    DomainPattern = 209, Error, "domain pattern that Codex does not support",
        "A pattern is a host name, or one below `*.` or `**.`. `*` alone stops Codex from \
         starting; URLs, address ranges and blank patterns pass the start and stop every \
         session.",
        "write the host name alone, such as `example.com` or `**.example.com`";
    UnknownFeature = 210, Error, "pin of an unknown feature",
        "No Codex of this version has the feature, so the pin controls nothing; 0.110 to 0.123 \
         refuse to start over it.",
        "write a feature name that the version knows";
    NothingAllowed = 211, Error, "nothing is allowed",
        "An empty list of allowed values, or no way left to sign in.",
        "list what is allowed, or remove the key to allow everything";
    KeyTooNew = 301, Error, "key is unknown to a Codex version",
        "The version ignores the key, and up to 0.155 it does so silently: its hosts run \
         without the control.",
        "update those hosts, or use an older key beside it";
    NewName = 302, Warning, "name is unknown to older Codex versions",
        "The key has two names and older versions know only one of them.",
        "use the older name while such versions are in use";
    ValueRefused = 303, Error, "value is refused by a Codex version",
        "The version refuses the whole file over a value that newer or older ones accept.",
        "give those hosts a file of their own, or use a value that all accept";
    OtherSystem = 304, Warning, "key has no effect on a system of the cohort",
        "Some keys are about one operating system. On the others Codex accepts them and does \
         nothing with them.",
        "remove the key for those systems, or send it to the hosts it is about";
    ProjectKey = 305, Warning, "key that a project may not set",
        "A project's configuration comes with its code. Codex leaves keys out of it that would \
         send data elsewhere, and warns the developer.",
        "set the key in the user's own `config.toml`";
    ImplicitlyEmpty = 401, Warning, "empty table allows nothing",
        "A table of what is allowed that is present and empty is a list with nothing on it: \
         `mcp_servers = {}` disables every MCP server.",
        "list what is allowed, or remove the table to allow everything";
    Shadowed = 402, Warning, "value never applies",
        "A fragment that stands higher in the same bundle sets the same key, and wins whole.",
        "remove it, or move it to the higher fragment";
    ProfilesDecide = 403, Warning, "permission profiles make the sandbox mode inert",
        "With `allowed_permission_profiles` Codex takes the profile and ignores \
         `sandbox_mode`, `-s` and `sandbox_workspace_write` without a word, even where they \
         are stricter.",
        "remove the sandbox mode, and write what it should do as a permission profile";
    NoBaseFolder = 404, Warning, "relative path in a channel without a folder",
        "A relative path starts at the folder of the file that has it. A fragment or a \
         managed preference has no file: Codex takes its own home folder, which belongs to \
         the user.",
        "write an absolute path, or one that begins with `~/`";
    DenyReadKeepsSandbox = 405, Info, "rules that allow commands do not lift the sandbox",
        "With a `deny_read` entry in force Codex keeps commands in the sandbox even when a \
         rule allows them. That is safe; authors of such rules may expect otherwise.",
        "nothing, or remove the rule";
    GuardrailOnly = 406, Warning, "forbidden commands without a sandbox",
        "Rules compare the first words of a command: most other spellings of the same command \
         run. Where full access is allowed nothing else stands behind them.",
        "leave `danger-full-access` out of `allowed_sandbox_modes`, or allow permission \
         profiles only";
    OtherHooksSilenced = 407, Info, "hooks of users, projects and plugins do not run",
        "`allow_managed_hooks_only` stops every hook that is not managed, without a word to \
         the user. Integrations that rely on hooks stop working.",
        "tell the users, and put the hooks that are needed into the policy";
    DeadRule = 411, Warning, "rule that changes nothing",
        "Another rule covers every command of this one and is at least as strict; the \
         strictest rule wins. Every rule makes each start of Codex slower.",
        "remove it";
    BypassNotCovered = 412, Warning, "forbidden command can be run through a shell",
        "Codex compares words. Inside `bash -c`, with a redirection, quotes or a loop it \
         cannot split the command, and looks at the shell only. Rules are guidance; the \
         sandbox and the network policy are the boundary.",
        "forbid `bash`, `sh`, `zsh` and `dash` too: plain commands, `&&` and pipes still run";
    ExceptionCannotWork = 413, Error, "exception to a stricter rule",
        "The strictest matching rule wins, not the longest: a milder rule below a stricter \
         one never counts.",
        "narrow the stricter rule to what it is meant for";
    PromptRefused = 415, Warning, "rule asks where nobody may be asked",
        "With `never` as the only approval policy nobody is asked: Codex refuses every \
         command for which a rule says `prompt`.",
        "write `forbidden` if that is meant, or allow another approval policy";
    AllowUnreachable = 421, Warning, "allowed host is denied",
        "A denied pattern covers the host. Deny wins over allow, however narrow the allowed \
         pattern is.",
        "remove the entry, or narrow the denied pattern";
    WildcardTooBroad = 422, Warning, "wildcard covers names anybody can register",
        "Below such a suffix everybody can get a host of their own, so the list lets data go \
         anywhere.",
        "list the hosts that are needed";
    PortIgnored = 423, Warning, "port in a domain pattern is dropped",
        "Codex accepts a port in a pattern and ignores it: every port of the host is meant.",
        "remove the port";
    ServiceHostMissing = 425, Warning, "application network lacks a host that Codex needs",
        "`application.network` binds Codex itself: a host that is not listed cannot be \
         reached for models or for signing in.",
        "allow the host that is named";
    HooksNotPinned = 430, Warning, "managed hooks can be switched off",
        "Without a pin of the feature a user disables managed hooks with `--disable hooks`, \
         and they never run.",
        "pin the feature: `[features]` with `hooks = true`";
    NetworkNotEnabled = 431, Warning, "network policy is not enabled",
        "Without `enabled = true` a user with network access reaches every host, denied ones \
         too.",
        "add `enabled = true`";
    NetworkWithFullAccess = 432, Warning, "network policy does not bind full access",
        "Codex does not apply network policy to sessions with full access, and the policy \
         allows those.",
        "list `allowed_sandbox_modes` without `danger-full-access`, or allow permission \
         profiles only";
    AllowListOpen = 433, Warning, "users can add allowed hosts",
        "Without `managed_allowed_domains_only` a permission profile of the user adds hosts \
         to the ones allowed here.",
        "add `managed_allowed_domains_only = true`";
    WritableRoots = 434, Warning, "users choose where the sandbox may write",
        "With the mode `workspace-write` a user adds writable folders, up to the whole disk, \
         with `sandbox_workspace_write.writable_roots`.",
        "allow permission profiles: `allowed_permission_profiles` and `default_permissions`";
    McpArgumentsFree = 435, Warning, "MCP server may be started with any arguments",
        "A `command` written as a text fixes the program only. Programs such as `npx` or \
         `python3` run anything they are told to.",
        "write the command as a table with `executable` and `args` (Codex 0.143 and newer)";
    CloudNotAnchored = 436, Warning, "policy from the cloud can be avoided",
        "Codex fetches the policy for the account that is signed in, from an address the user \
         can set. With an API key, another account or another address there is no policy.",
        "deliver `chatgpt_base_url` and `allowed_login_methods`, or `config_server`, through \
         a channel on the machine";
    AuthKeysInCloud = 437, Error, "key that Codex drops from the cloud",
        "Codex drops ways to sign in from cloud fragments, and refuses a bundle with \
         `config_server`.",
        "deliver the key through a channel on the machine";
    UserRulesLeaveSandbox = 438, Warning, "rules of users leave the sandbox",
        "A command that a rule of the user allows runs outside the sandbox, with direct \
         network, whatever modes are allowed.",
        "add a `permissions.filesystem.deny_read` entry: it keeps such commands in the \
         sandbox";
    LoginWithoutProvider = 439, Warning, "sign-in is pinned and the model provider is not",
        "Wrong credentials only count as not signed in. A provider of the user with a key of \
         its own works all the same.",
        "pin `model_provider` (Codex 0.156 and newer)";
    ProviderNotDefined = 440, Warning, "pinned model provider is not defined here",
        "Codex looks for the definition in the configuration of the user, who then decides \
         where requests go.",
        "define it under `[model_providers]`";
    HookFailsOpen = 441, Info, "hook that fails lets the command run",
        "A hook whose program is missing, cannot be run or ends with another status than 2 is \
         reported and the command runs.",
        "install the program before the policy, under `hooks.managed_dir`, and name it by its \
         absolute path";
    SourcesNotRestricted = 442, Warning, "list of marketplaces restricts nothing",
        "Without `restrict_to_allowed_sources = true` the list has no effect.",
        "add `restrict_to_allowed_sources = true`";
    UrlPrefixOpen = 443, Error, "URL prefix that covers other hosts",
        "The prefix `https://b.example` also covers `https://b.example.evil.com`.",
        "end the prefix with `/`";
    ProfileOfUser = 444, Warning, "managed profile extends one that the policy does not define",
        "Codex takes the definition from the configuration of the user, who then decides what \
         the profile allows.",
        "define the profile under `[permissions]`, or extend `:read-only` or `:workspace`";
    LoginInConfig = 445, Warning, "sign-in is forced where the user can change it",
        "A user overrides `forced_login_method` and `forced_chatgpt_workspace_id` of managed \
         defaults; where they apply, Codex deletes credentials of another kind.",
        "use `allowed_login_methods` and `allowed_chatgpt_workspaces` in requirements";
    SourceIncomplete = 446, Error, "marketplace entry is incomplete",
        "Codex accepts the entry and refuses every marketplace that is added later.",
        "add the field that is named";
    NeverFirst = 447, Warning, "disallowed approval policies become `never`",
        "Codex replaces a value that is not allowed by the first of the list. With `never` \
         first, a user who asks for more approvals gets none.",
        "put the policy first that should take its place";
    DenyReadRoot = 450, Error, "denied path is the whole disk",
        "A sandbox that hides the whole disk runs no command. A pattern whose folder is the root, \
         such as `/**/.env`, stops every session since 0.157.1.",
        "deny the folders that hold secrets";
    DenyReadLink = 451, Warning, "denied path is a link on many systems",
        "The sandbox cannot hide a symbolic link, nor what is named through one: where the path \
         exists and is one, sessions or commands are refused.",
        "deny the path the link leads to";
    ReviewContradiction = 452, Error, "review is required and not allowed",
        "With `auto_review.required_on_models` and reviewers without `auto_review` every \
         session of these models is refused.",
        "add `auto_review` to `allowed_approvals_reviewers`";
    ConfigServerCutOff = 453, Error, "application network cuts off the configuration server",
        "Codex fetches its policy under the rules of `application.network`. If they do not \
         allow the host of the server, nothing starts, and no new policy arrives.",
        "allow the host of `config_server.base_url`";
    MxcContradiction = 454, Error, "MXC is required and forbidden",
        "`windows.require_mxc` with `allow_mxc = false` leaves no sandbox to use.",
        "remove one of the two";
    ReviewWithoutReviewer = 455, Warning, "nobody reviews these hosts",
        "Requests to `review_domains` are asked of the user or of the reviewing model. With \
         `never` as the only approval policy nobody is asked, and they are blocked.",
        "allow `on-request` too, or remove the list";
    DenyReadNotExpanded = 460, Error, "denied path with a variable or braces",
        "Codex expands `~/` and nothing else: a variable is taken letter by letter and protects \
         nothing, and since 0.157.1 a brace makes Codex refuse the whole file.",
        "begin the path with `~/` or `/`, and write one path for each alternative";
    DenyReadRelative = 461, Error, "denied path is relative",
        "Codex takes it below the folder of the policy, such as `/etc/codex`, not below the \
         project.",
        "begin the path with `~/` or `/`";
    DenyReadBroad = 462, Warning, "denied pattern with many matches",
        "Every match costs time at the start of each session: 500 matches took 13 s, and with \
         3,000 no session started.",
        "name the folders, or begin the pattern deeper";
    StartupCost = 470, Warning, "policy slows every start of Codex",
        "Codex reads the whole policy at every start. Rules cost about 75 µs each, domains \
         more the more there are.",
        "remove rules that change nothing, and fold hosts into patterns such as \
         `**.example.com`";
    SeveralPayloads = 501, Error, "several values for one preference domain",
        "macOS does not say which one wins.",
        "keep one payload, in one shape";
    UuidChanged = 502, Error, "profile changed its UUID and kept its identifier",
        "A device updates a profile whose identifier and UUID are both the same. With another \
         UUID it may be installed beside the old one, or refused.",
        "keep the UUID: `codex-config emit` derives it from the identifier";
    NotForced = 503, Error, "preference is not forced",
        "Codex reads forced preferences only; others can be changed by the user.",
        "put the payload under `Forced`";
    NobodySelected = 504, Error, "scope selects nobody",
        "No machine can be in the cohort, or the folder belongs to no cohort: what is written \
         there reaches nobody.",
        "correct the selector, or remove what nobody gets";
    ExceptionExpired = 505, Error, "exception has expired",
        "An exception counts through the day it names. From then on policy is what it would be \
         without it.",
        "remove the file, or have the exception renewed";
    VendorMetrics = 506, Warning, "metrics still go to the vendor",
        "Logs or traces are sent to an exporter of your own; metrics have one of their own \
         and it was not set.",
        "set `metrics_exporter` to your exporter or to `\"none\"`";
    Profile = 508, Error, "profile does not configure Codex",
        "The file has no payload for `com.openai.codex`, or not in a form that macOS applies.",
        "correct the payload";
    Signature = 509, Error, "signature does not hold",
        "The content is not what was signed, or the signature cannot be checked. A device may \
         refuse the profile.",
        "sign the profile again";
    ProfileHead = 510, Error, "profile says something wrong about itself",
        "macOS and MDM servers find, replace and remove profiles by what stands in their head: \
         UUIDs of the usual form, version 1, a scope, and no keys of other making.",
        "correct the head, or have `codex-config emit` write the profile";
    IdentifierTaken = 511, Error, "identifier or UUID is used twice",
        "A device takes two profiles or payloads of one identifier for one and the same: the \
         second replaces the first.",
        "give each profile and each payload an identifier and a UUID of its own";
    ProfileExpired = 512, Error, "profile removes itself",
        "From its removal date on the device has no policy from this profile.",
        "remove the date: policy ends when it is replaced";
    ChainNotTrusted = 513, Error, "signer is not one that is trusted",
        "The signature holds, but its certificate does not lead to a trusted one, or not today.",
        "sign with a certificate of the named authority";
    SuppressionMalformed = 601, Error, "suppression is not understood",
        "A finding stays in force when the comment that should allow it names no known code, has \
         no reason or no last day, reaches too far into the future, or names a finding over which \
         Codex does not start.",
        "write `# codex-config: allow(CX0311) until=2027-06-30 reason=\"…\"`, at most 366 days ahead";
    SuppressionExpired = 602, Error, "suppression has expired",
        "The last day on which the finding was allowed is over; the finding counts again.",
        "mend what was found, or review the reason and set a new last day";
    SuppressionUnused = 603, Warning, "suppression allows nothing",
        "The comment's line, and the line below it, have no such finding. It would hide the next \
         one.",
        "remove the comment, or move it to the line of the finding or right above it";
    Loosens = 701, Error, "policy below loosens policy above",
        "Baseline, environment, team: each may only tighten what stands above it. What would \
         loosen it does not count.",
        "tighten instead, delegate the key in `policy.toml`, or write an exception";
    UnknownLayer = 702, Error, "no such team, environment or folder",
        "A name in `policy.toml`, `trust.toml` or an exception that no folder or table of the repository \
         bears.",
        "correct the name, or add the folder";
    IncludeCycle = 703, Error, "folders include each other",
        "A folder that comes before itself has no place in the order.",
        "remove one of the includes";
    CohortsOverlap = 704, Error, "two cohorts select the same machine",
        "A machine gets exactly one policy. Where two cohorts match it, which one is chance.",
        "narrow one of the selectors";
    CohortGap = 705, Error, "machines without a cohort",
        "A machine that no cohort selects gets no policy at all.",
        "add a cohort for them, or one with `default = true`";
    ExceptionIdle = 706, Warning, "exception changes nothing",
        "What it permits is permitted anyway, or what it lifts is not there.",
        "remove it";
    StrayFile = 707, Error, "file that nothing reads",
        "Only files of known names are policy. A misspelt name switches all of it off.",
        "rename it, or move it out of the policy folders";
    ControlsLost = 710, Error, "channels switch controls off",
        "Codex composes channels by precedence, not by strictness: what a higher channel says \
         replaces what this policy says.",
        "remove the key from the higher channel, or deliver this policy through it";
    Repository = 711, Error, "not a policy repository",
        "A policy repository has a `policy.toml` at its top.",
        "name the right folder, or make one with `codex-config init`";
    PlanLoosens = 801, Warning, "change that loosens policy",
        "With this change something is allowed that was not: a command, a host, or a value of a \
         key. An example is given where decisions change.",
        "look whether that is meant, and by whom it has to be approved";
    PlanRemoves = 802, Error, "change that takes policy away",
        "A cohort goes, loses everything it had, or most of its controls go at once. That is more \
         often a mistake than meant.",
        "bring it back, or approve this very plan with `--approve`";
    PlanNotEnforced = 803, Warning, "changed key that a version in use does not know",
        "A Codex that is older than a key ignores it: on those machines the change has no effect.",
        "update Codex there first, or say the same in a way that it knows";
    PlanUnselected = 804, Warning, "machine that no cohort selects",
        "The inventory has machines that get no policy, or that two cohorts select.",
        "add a cohort for them, or correct the inventory";
    CaseUnanswerable = 811, Error, "test asks what no policy answers",
        "A case asks one question that a policy can decide, and expects something that the answer \
         to such a question has. Any other case would pass or fail by chance.",
        "see what the message asks for";
    Assertion = 812, Error, "property cannot be read",
        "A property is a function of two sets of policies.",
        "write it like `tighter_or_equal(team.*, baseline)`";
    CaseFailed = 813, Error, "policy answers a test otherwise",
        "The policy of a cohort does not decide what a case expects of it.",
        "correct the policy where the change was not meant, and the case where it was";
    PropertyFailed = 814, Error, "property does not hold",
        "Between two policies something is not as the property says.",
        "correct the policy where the change was not meant, and the property where it was";
    SignerUnknown = 901, Error, "no such key",
        "A role in `trust.toml` names a key that `[keys]` does not have. Nobody could sign with it.",
        "correct the name, or add the key under `[keys]`";
    SignerThreshold = 902, Error, "threshold that nobody can meet, or anybody",
        "With a threshold of 0 nobody has to sign, and with one above the number of keys nobody \
         ever can.",
        "write a number from 1 to the number of the role's keys";
    SignerTwice = 903, Error, "one key counts twice",
        "A public key under two names, or twice in one role, looks like two people and is one. A \
         threshold of 2 would be one of 1.",
        "take one of the two out, or give the other person a key of their own";
    SignerOnline = 904, Error, "online key holds an offline role",
        "The keys of `snapshot` and `timestamp` lie on the server that publishes. Whoever breaks \
         into it must not be able to sign policy, approve what loosens it, or exchange keys.",
        "make a key of its own for the online role: `codex-config keys new`";
    SignerApproves = 905, Error, "signs policy and approves its loosening",
        "What loosens policy takes a second person. Where one key does both, it takes none.",
        "let somebody else approve, with a key that signs no policy";
    RoleMissing = 906, Error, "role that nobody holds",
        "Without one of its roles a release is never complete.",
        "add the table with `keys` and `threshold`";
    TeamUnsigned = 907, Error, "team whose policy nobody signs",
        "A cohort of this team gets its policy under the team's own signature. Without it there \
         is no policy for these machines.",
        "add `[teams.NAME]` with `keys` and `threshold`";
    ThresholdOne = 908, Warning, "one key alone can exchange all others",
        "With a threshold of 1 for `root` or `targets` one stolen key is enough to take over the \
         fleet, and where there is one key only, one lost key is enough to lose it.",
        "name at least three keys and a threshold of 2";
}
