package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"repltap/wire"
)

func completionCommand() *command {
	return &command{
		name: "completion", args: "bash|zsh|fish",
		summary: "print a completion script for your shell",
		long:    "Prints a script that teaches your shell the commands and flags of repltap.",
		examples: []string{
			"source <(repltap completion bash)                               # in ~/.bashrc",
			`source <(repltap completion zsh)                                # in ~/.zshrc, after compinit`,
			"repltap completion fish > ~/.config/fish/completions/repltap.fish",
		},
		setup: func(*pflag.FlagSet) runFunc { return completion },
	}
}

func completion(_ context.Context, e *env, args []string) error {
	shells := map[string]func(*env) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	if len(args) != 1 || shells[args[0]] == nil {
		return usageErrorf("for which shell? bash, zsh or fish")
	}
	return e.print(shells[args[0]](e))
}

// eachFlag calls f for each flag of a command that people are meant to see.
func eachFlag(c *command, f func(*pflag.Flag)) {
	fs, _, _ := c.flagSet(&env{color: "auto"})
	fs.VisitAll(func(x *pflag.Flag) {
		if !x.Hidden {
			f(x)
		}
	})
}

// flagValues are the words that a flag takes, nil when it takes anything.
func flagValues(f *pflag.Flag) []string {
	switch v := f.Value.(type) {
	case *choiceFlag:
		return v.of
	case *tableFlag:
		return v.of
	case *colorFlag:
		return []string{"auto", "always", "never"}
	case *directionFlag:
		return []string{"s2c", "c2s"}
	case *dialectFlag, *receiverFlag:
		names := []string{"auto"}
		for _, d := range wire.Dialects() {
			names = append(names, d.String())
		}
		return names
	}
	return nil
}

// bashCompletion is also what zsh runs, through its bashcompinit.
func bashCompletion(*env) string {
	var names []string
	var flags, values strings.Builder
	for _, c := range commands() {
		names = append(names, c.name)
		var list []string
		eachFlag(c, func(f *pflag.Flag) {
			list = append(list, "--"+f.Name)
			if words := flagValues(f); words != nil {
				fmt.Fprintf(&values, "    %s:--%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return;;\n", c.name, f.Name, strings.Join(words, " "))
			}
		})
		fmt.Fprintf(&flags, "    %s) flags='%s';;\n", c.name, strings.Join(list, " "))
	}
	return fmt.Sprintf(`# repltap completion for bash
_repltap() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd='' flags='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in -*) ;; *) cmd=${COMP_WORDS[i]}; break;; esac
  done
  if [[ -z $cmd ]]; then
    COMPREPLY=($(compgen -W '%s help --help --version --color' -- "$cur")); return
  fi
  case $cmd:$prev in
%s    completion:completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return;;
    help:help) COMPREPLY=($(compgen -W '%[1]s' -- "$cur")); return;;
  esac
  case $cmd in
%[3]s  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _repltap repltap
`, strings.Join(names, " "), values.String(), flags.String())
}

func zshCompletion(e *env) string {
	return "# repltap completion for zsh, by way of its bash compatibility\nautoload -U +X bashcompinit && bashcompinit\n" +
		bashCompletion(e)
}

func fishCompletion(*env) string {
	var b strings.Builder
	b.WriteString("# repltap completion for fish\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "complete -c repltap -n __fish_use_subcommand -f -a %s -d %s\n", c.name, fishQuote(c.summary))
		eachFlag(c, func(f *pflag.Flag) {
			_, usage := pflag.UnquoteUsage(f)
			fmt.Fprintf(&b, "complete -c repltap -n '__fish_seen_subcommand_from %s' -l %s", c.name, f.Name)
			if f.Shorthand != "" {
				b.WriteString(" -s " + f.Shorthand)
			}
			switch words := flagValues(f); {
			case words != nil:
				fmt.Fprintf(&b, " -x -a '%s'", strings.Join(words, " "))
			case f.NoOptDefVal == "":
				b.WriteString(" -r")
			}
			b.WriteString(" -d " + fishQuote(usage) + "\n")
		})
	}
	b.WriteString("complete -c repltap -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n")
	return b.String()
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
