package wire

// FieldKind is what an argument, or an element of a row, means; how an argument
// is written follows from it.
type FieldKind uint8

// The kinds of arguments and of what JSON holds.
const (
	FieldNone        FieldKind = iota
	FieldText                  // free text: ERROR, PING, SYNC
	FieldServer                // a server's name
	FieldWorker                // a worker's name: NAME
	FieldTask                  // a task's id
	FieldStream                // a stream's name
	FieldInstance              // the name of the process that wrote
	FieldInstanceID            // the id a process gave itself when it started
	FieldToken                 // a stream's token
	FieldPrev                  // the token a POSITION begins at
	FieldRow                   // JSON: a stream's row
	FieldRowToken              // a token, or "batch"
	FieldAskToken              // a token, or NOW
	FieldUser                  // a user's id
	FieldDevice                // a device's id, or None
	FieldState                 // start or end
	FieldPresence              // a presence state
	FieldTime                  // milliseconds since 1970
	FieldAppID                 // a pusher's application
	FieldPushKey               // a pusher's key
	FieldCache                 // the name of a cache
	FieldKeys                  // JSON: the keys of a cache entry
	FieldAccessToken           // an access token
	FieldIP                    // an address
	FieldDeviceText            // a device's id without a word for none: 0.22's USER_IP
	FieldAgent                 // a user agent
	FieldVisit                 // JSON: access token, ip, user agent, device, time
	FieldLock                  // JSON: instance, lock's name, lock's key

	// Inside JSON only.
	FieldRoom        // a room's id
	FieldEvent       // an event's id
	FieldEntity      // a user's id, or a server's name
	FieldType        // the type of an event, receipt, account data
	FieldStateKey    // often a user's id
	FieldGroup       // a group's id
	FieldMedia       // a media id
	FieldThread      // an event's id, or main
	FieldWord        // one of a few words of Synapse's own
	FieldConfigured  // a name out of a configuration
	FieldFreeText    // what people or remote servers wrote
	FieldNumber      // any number
	FieldBool        // true or false; SQLite also makes it 1 or 0
	FieldContent     // any JSON, with whatever users put there
	FieldContentText // a string that holds such JSON
	FieldList        // an array of any length: each element is as Columns[0] says
	FieldTuple       // an array of exactly Columns
	FieldObject      // an object whose members are called as Columns are

	numFields
)

// lexis is how an argument is written.
type lexis uint8

const (
	lexText     lexis = iota // anything
	lexWord                  // a name: anything, but senders write no spaces
	lexInt                   // what Python's int() takes
	lexBatchInt              // the same, or batch
	lexNowInt                // the same, or NOW or now
	lexState                 // start or end
	lexNone                  // anything; None means that there is none
	lexJSON                  // any JSON value; senders write an array
	lexJSON3                 // JSON that unpacks into three
	lexJSON5                 // JSON that unpacks into five
)

// maxArguments is the most that a command has.
const maxArguments = 6

// lexisOf is how each kind is written; what is not here is text.
var lexisOf = [numFields]lexis{
	FieldServer:     lexWord,
	FieldWorker:     lexWord,
	FieldTask:       lexWord,
	FieldStream:     lexWord,
	FieldInstance:   lexWord,
	FieldInstanceID: lexWord,
	FieldUser:       lexWord,
	FieldPresence:   lexWord,
	FieldCache:      lexWord,
	FieldToken:      lexInt,
	FieldPrev:       lexInt,
	FieldTime:       lexInt,
	FieldRowToken:   lexBatchInt,
	FieldAskToken:   lexNowInt,
	FieldState:      lexState,
	FieldDevice:     lexNone,
	FieldRow:        lexJSON,
	FieldKeys:       lexJSON,
	FieldVisit:      lexJSON5,
	FieldLock:       lexJSON3,
}

// ways says who may send a command over TCP.
type ways uint8

const (
	toNobody ways = 0 // known to the parser, but in neither side's table
	toWorker ways = 1 << S2C
	toMaster ways = 1 << C2S
	toBoth        = toWorker | toMaster
)

// arguments lists the kinds of a command's arguments. They are split at single
// spaces; the last one takes all that is left.
type arguments []FieldKind

// rule is a row of the grammar: how a command is written in some dialects.
type rule struct {
	command     Command
	first, last Dialect
	ways        ways
	args        arguments
	form        Form // how GistOf calls it, if the command has several
	option      option
}

// option is what a rule has of its own.
type option uint8

const (
	optExact  option = 1 << iota // the last argument holds no space either
	optIgnore                    // whatever stands there is ignored
)

// grammar is every command in every dialect.
var grammar = []rule{
	{command: CmdServer, first: v0_21, last: vNext, ways: toWorker, args: arguments{FieldServer}},
	{command: CmdError, first: v0_21, last: vNext, ways: toBoth, args: arguments{FieldText}},
	{command: CmdPing, first: v0_21, last: vNext, ways: toBoth, args: arguments{FieldText}},
	{command: CmdName, first: v0_21, last: vNext, ways: toMaster, args: arguments{FieldWorker}},
	{command: CmdSync, first: v0_21, last: v1_9, ways: toWorker, args: arguments{FieldText}},
	{command: CmdRemoteServerUp, first: v1_9, last: vNext, ways: toBoth, args: arguments{FieldServer}},

	{command: CmdRdata, first: v0_21, last: v1_9, ways: toWorker, form: FormRdata3,
		args: arguments{FieldStream, FieldRowToken, FieldRow}},
	{command: CmdRdata, first: v1_13, last: vNext, ways: toWorker, form: FormRdata4,
		args: arguments{FieldStream, FieldInstance, FieldRowToken, FieldRow}},

	{command: CmdPosition, first: v0_21, last: v1_9, ways: toWorker, form: FormPosition2,
		args: arguments{FieldStream, FieldToken}},
	{command: CmdPosition, first: v1_13, last: v1_18, ways: toWorker, form: FormPosition3,
		args: arguments{FieldStream, FieldInstance, FieldToken}},
	{command: CmdPosition, first: v1_22, last: vNext, ways: toWorker, form: FormPosition4,
		args: arguments{FieldStream, FieldInstance, FieldPrev, FieldToken}},

	{command: CmdReplicate, first: v0_21, last: v1_9, ways: toMaster, form: FormReplicateToken,
		args: arguments{FieldStream, FieldAskToken}},
	{command: CmdReplicate, first: v1_13, last: vNext, ways: toMaster, form: FormReplicateBare,
		option: optIgnore},

	{command: CmdUserSync, first: v0_21, last: v1_9, ways: toMaster, form: FormUserSync3,
		args: arguments{FieldUser, FieldState, FieldTime}},
	{command: CmdUserSync, first: v1_13, last: v1_90, ways: toMaster, form: FormUserSync4,
		args: arguments{FieldInstanceID, FieldUser, FieldState, FieldTime}},
	{command: CmdUserSync, first: v1_92, last: v1_146, ways: toMaster, form: FormUserSync5,
		args: arguments{FieldInstanceID, FieldUser, FieldDevice, FieldState, FieldTime}},
	{command: CmdUserSync, first: vNext, last: vNext, ways: toMaster, form: FormUserSync6,
		args: arguments{FieldInstanceID, FieldUser, FieldDevice, FieldState, FieldPresence, FieldTime}},
	{command: CmdClearUserSync, first: v1_13, last: vNext, ways: toMaster, args: arguments{FieldInstanceID}},
	{command: CmdUserSyncKeepalive, first: vNext, last: vNext, ways: toNobody, args: arguments{FieldInstanceID}},

	{command: CmdFederationAck, first: v0_21, last: v1_14, ways: toMaster, form: FormAck1,
		args: arguments{FieldToken}},
	{command: CmdFederationAck, first: v1_18, last: vNext, ways: toMaster, form: FormAck2,
		args: arguments{FieldInstance, FieldToken}, option: optExact},

	{command: CmdRemovePusher, first: v0_21, last: v1_22, ways: toMaster,
		args: arguments{FieldAppID, FieldPushKey, FieldUser}},
	{command: CmdInvalidateCache, first: v0_21, last: v1_13, ways: toMaster,
		args: arguments{FieldCache, FieldKeys}},

	{command: CmdUserIP, first: v0_22, last: v0_22, ways: toMaster, form: FormUserIPText,
		args: arguments{FieldUser, FieldAccessToken, FieldIP, FieldDeviceText, FieldTime, FieldAgent}},
	{command: CmdUserIP, first: v0_23, last: vNext, ways: toMaster, form: FormUserIPJSON,
		args: arguments{FieldUser, FieldVisit}},

	{command: CmdLockReleased, first: v1_90, last: vNext, ways: toBoth, args: arguments{FieldLock}},
	{command: CmdNewActiveTask, first: v1_92, last: vNext, ways: toNobody, args: arguments{FieldTask}},
	{command: CmdCancelTask, first: v1_146, last: vNext, ways: toNobody, args: arguments{FieldTask}},
}

// What the grammar says, laid out for looking up.
var (
	ruleOf    [endDialect][NumCommands]*rule   // nil: the dialect does not know the command
	allowedIn [C2S + 1][NumCommands]DialectSet // who lets it be sent that way; NoDirection: who knows it
	formIn    [numForms]DialectSet             // who writes it in that form
)

// Dialects is the set of the dialects in which lines have the form.
func (f Form) Dialects() DialectSet { return formIn[f] }

func init() {
	formIn[FormUnclear], formIn[FormPlain] = AllDialects, AllDialects
	for i := range grammar {
		r := &grammar[i]
		in := dialectRange(r.first, r.last)
		for d := r.first; d <= r.last; d++ {
			ruleOf[d][r.command] = r
		}
		for dir := NoDirection; dir <= C2S; dir++ {
			if dir == NoDirection || r.ways&(1<<dir) != 0 {
				allowedIn[dir][r.command] |= in
			}
		}
		formIn[r.form] |= in
	}
}

// Knows reports whether the receivers of the dialect have the command at all.
func (d Dialect) Knows(c Command) bool { return d.Allows(c, NoDirection) }

// Allows reports whether the receivers of the dialect let a command come that
// way. Without a direction (Redis) all that they know may come.
func (d Dialect) Allows(c Command, dir Direction) bool {
	return c < NumCommands && dir <= C2S && allowedIn[dir][c].Has(d)
}
